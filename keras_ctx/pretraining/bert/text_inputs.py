"""The text inputs of a BERT in pretraining."""

import itertools
from pathlib import Path

from keras_ctx import convert, data, text
from keras_ctx.pretraining.options.bert import BertPretrainingOptions

_LOOKED_AT = 1000


def bert_text_inputs(options: BertPretrainingOptions) -> text.TextInputs:
    """Returns the text inputs of `init` or the records, or builds new ones.

    Args:
        options: Options of the recipe. Without `init`, `records` and
            `vocabulary`, a vocabulary is built from the corpus.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: `init` is not a BERT, or a text or vocabulary cannot be
            read.

    Example:
        >>> _ = Path("news.txt").write_text("ab\\nba\\n")
        >>> options = BertPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"))
        >>> bert_text_inputs(options).vocabulary[5:]
        ('a', 'b')
    """
    if options.init is not None:
        return _of_folder(options.init, options.lower_case)
    if options.records is not None:
        inputs = _of_folder(options.records, None)
        return inputs.with_settings(max_length=options.max_length)
    vocabulary, lower_case = options.vocabulary, options.lower_case is not False
    if vocabulary is None:
        vocabulary = text.bert_vocabulary(
            data.read_lines(options.corpus_path),
            options.vocabulary_size,
            options.split,
            lower_case,
        )
    return text.BertInputs(
        vocabulary, options.max_length, lower_case, split=options.split
    )


def _of_folder(folder: Path, lower_case: bool | None) -> text.TextInputs:
    inputs = convert.load_text_inputs(folder)
    if inputs.mask_id is None:
        raise ValueError(
            f"`init` must hold a BERT. Received: {folder}, whose text inputs "
            f"are {type(inputs).__name__}"
        )
    if lower_case is None:
        return inputs
    return inputs.with_settings(lower_case=lower_case)


def pair_text_inputs(
    options: BertPretrainingOptions, text_inputs: text.TextInputs
) -> text.TextInputs:
    """Returns the text inputs, with padding to the length of a pair.

    Args:
        options: Uses `pair_length` or `records` for that length.
        text_inputs: See `bert_text_inputs`.

    Example:
        >>> tokens = text.character_vocabulary(["ab"])
        >>> inputs = text.BertInputs(tokens, 128, split="character")
        >>> options = BertPretrainingOptions(
        ...     output=Path("runs/one"), pair_length=9)
        >>> pair_text_inputs(options, inputs)(["a"], ["b"])["token_ids"].shape
        TensorShape([1, 9])
    """
    return text_inputs.with_settings(
        max_length=options.pair_tokens, padding="max_length"
    )


def warn_unknown_tokens(
    options: BertPretrainingOptions, text_inputs: text.TextInputs
) -> None:
    """Warns if most tokens in the first lines of a text are unknown.

    Args:
        options: Uses `corpus` and `stages`, if there are no `records`.
        text_inputs: The text inputs of the encoder.

    Example:
        >>> _ = Path("news.txt").write_text("ab\\nba\\n")
        >>> options = BertPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"))
        >>> warn_unknown_tokens(options, bert_text_inputs(options))
    """
    if options.records is not None:
        return
    for path in (options.corpus_path, *options.stages):
        lines = itertools.islice(data.read_lines(path), _LOOKED_AT)
        text.warn_unknown(text_inputs, list(lines), str(path))
