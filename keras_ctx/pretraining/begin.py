"""The start of a run: refuses what cannot be trained on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_ctx import convert, data, text, training
from keras_ctx.pretraining.bert.stages import stage_names
from keras_ctx.pretraining.bert.start import load_bert_start
from keras_ctx.pretraining.bert.text_inputs import bert_text_inputs
from keras_ctx.pretraining.elmo.start import load_elmo_start
from keras_ctx.pretraining.elmo.words import warm_start_batches
from keras_ctx.pretraining.gpt.text_inputs import gpt_text_inputs
from keras_ctx.pretraining.options.bert import BertPretrainingOptions
from keras_ctx.pretraining.options.elmo import ElmoPretrainingOptions
from keras_ctx.pretraining.options.gpt import GPTPretrainingOptions
from keras_ctx.pretraining.options.shared import PretrainingOptions
from keras_ctx.pretraining.options.ulmfit import ULMFiTPretrainingOptions
from keras_ctx.pretraining.ulmfit.start import load_ulmfit_start


def begin_bert(options: BertPretrainingOptions, strategy: Any) -> None:
    r"""Starts the run of a BERT, or refuses it before anything is written.

    Reads all texts and loads `init`, to find what cannot be trained on. Also
    refuses a folder that has a run with other settings, data or weights.

    Args:
        options: Options of the recipe.
        strategy: See `training.strategy`.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A text is empty or not UTF-8, the text inputs do not fit the
            encoder of `init`, or see `load_bert_start` and
            `training.begin_run`.

    Example:
        >>> _ = Path("news.txt").write_bytes(b"one\n\xff\n")
        >>> options = BertPretrainingOptions(
        ...     output=Path("runs/begun"), corpus=Path("news.txt"))
        >>> begin_bert(options, training.strategy())
        Traceback (most recent call last):
        ValueError: news.txt, line 2: byte 0 is not UTF-8 ...
        >>> Path("runs/begun").exists()
        False
    """
    _check_texts(options)
    if options.lexicon is not None:
        data.check_text(options.lexicon)
    stages = stage_names(options)
    for path in stages.values():
        data.check_text(path)
    start = inputs = None
    if options.init is not None:
        inputs = bert_text_inputs(options)
        start = load_bert_start(options)
        convert.check_text_inputs(inputs, start, options.init, pairs=True)
    files = {
        "vocabulary": options.vocabulary,
        "lexicon": options.lexicon,
        **stages,
    }
    _begin(options, strategy, files, start, inputs)


def begin_elmo(options: ElmoPretrainingOptions, strategy: Any) -> None:
    r"""Starts the run of an ELMo, or refuses it, like `begin_bert`.

    Args:
        options: Options of the recipe.
        strategy: See `training.strategy`.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A text is empty or not UTF-8, there are too few lines for
            `warm_start`, or see `load_elmo_start` and `training.begin_run`.

    Example:
        >>> _ = Path("news.txt").write_text("one\n")
        >>> options = ElmoPretrainingOptions(
        ...     output=Path("runs/begun"), corpus=Path("news.txt"),
        ...     warm_start=9)
        >>> begin_elmo(options, training.strategy())
        Traceback (most recent call last):
        ValueError: `lines` must hold at least two sentences, ...
    """
    _check_texts(options)
    if options.warm_start is not None:  # refuses too few lines
        next(warm_start_batches(options, text.ElmoInputs(split=options.split)))
    files = {"words": options.words, "init_options": options.init_options}
    _begin(options, strategy, files, load_elmo_start(options))


def begin_gpt(options: GPTPretrainingOptions, strategy: Any) -> None:
    r"""Starts the run of a GPT, or refuses it, like `begin_bert`.

    Args:
        options: Options of the recipe.
        strategy: See `training.strategy`.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A text is empty or not UTF-8, `init` is not a GPT, or see
            `training.begin_run`.

    Example:
        >>> _ = Path("news.txt").write_bytes(b"one\n\xff\n")
        >>> options = GPTPretrainingOptions(
        ...     output=Path("runs/begun"), corpus=Path("news.txt"))
        >>> begin_gpt(options, training.strategy())
        Traceback (most recent call last):
        ValueError: news.txt, line 2: byte 0 is not UTF-8 ...
    """
    _check_texts(options)
    start = inputs = None
    if options.init is not None:
        inputs = gpt_text_inputs(options)
        start = convert.load_encoder(options.init)
        convert.check_text_inputs(inputs, start, options.init)
    _begin(options, strategy, {}, start, inputs)


def begin_ulmfit(options: ULMFiTPretrainingOptions, strategy: Any) -> None:
    r"""Starts the run of a ULMFiT, or refuses it, like `begin_bert`.

    Args:
        options: Options of the recipe.
        strategy: See `training.strategy`.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A text is empty or not UTF-8, `layer_factors` are not as
            many as layers, or see `load_ulmfit_start` and
            `training.begin_run`.

    Example:
        >>> _ = Path("news.txt").write_bytes(b"one\n\xff\n")
        >>> options = ULMFiTPretrainingOptions(
        ...     output=Path("runs/begun"), corpus=Path("news.txt"))
        >>> begin_ulmfit(options, training.strategy())
        Traceback (most recent call last):
        ValueError: news.txt, line 2: byte 0 is not UTF-8 ...
    """
    _check_texts(options)
    start = load_ulmfit_start(options)
    if start is not None and options.layer_factors is not None:
        training.layer_rates(start[0], factors=options.layer_factors)
    _begin(options, strategy, {}, *(start or (None, None)))


def _check_texts(options: PretrainingOptions) -> None:
    corpus = None if options.records else options.corpus_path
    for path in (options.held_out, corpus):
        if path is not None:
            data.check_text(path)


def _begin(
    options: PretrainingOptions,
    strategy: Any,
    files: Mapping[str, Path | None],
    start: keras.Model | None,
    text_inputs: text.TextInputs | None = None,
) -> None:
    records = options.records
    read = {
        "corpus": None if records else options.corpus_path,
        "records": records and records / "manifest.json",
        "held_out": options.held_out,
    }
    digests = training.input_digests({**read, **files}, start, text_inputs)
    training.begin_recipe(options, digests, strategy=strategy)
