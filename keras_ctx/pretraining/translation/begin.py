"""The start of a translator's run, and its batches."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_ctx import data, text, training
from keras_ctx.pretraining.options.translation import TranslationOptions

DEV_BATCHES = 20
"""Batches of the development text that are scored after an epoch."""


def begin_translator(
    options: TranslationOptions,
    strategy: Any,
    files: Mapping[str, Path | None] | None = None,
) -> dict[str, data.ParallelTexts]:
    """Starts the run of a translator, or refuses it, like `begin_bert`.

    Args:
        options: Options of the recipe.
        strategy: See `training.strategy`.
        files: Other files that the run reads, by name.

    Returns:
        The pairs of texts by name: "train", "dev", "test".

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: See `data.read_parallel` and `training.begin_run`.

    Example:
        >>> for name, lines in (("a.en", "one\\n"), ("a.de", "eins\\nzwei\\n")):
        ...     _ = Path(name).write_text(lines)
        >>> options = TranslationOptions(
        ...     output=Path("runs/begun"), train=(Path("a.en"), Path("a.de")))
        >>> begin_translator(options, training.strategy())
        Traceback (most recent call last):
        ValueError: a.en and a.de must have the same number of lines. ...
        >>> Path("runs/begun").exists()
        False
    """
    found = {
        name: data.read_parallel(*pair) for name, pair in options.files.items()
    }
    for name, texts in found.items():
        blank = f", {texts.num_blank} with a blank line left out"
        print(f"{name}: {len(texts.sources):,} pairs{blank}")
    read: dict[str, Path | None] = {
        f"{name}_{side}": path
        for name, pair in options.files.items()
        for side, path in zip(("source", "target"), pair, strict=True)
    }
    digests = training.input_digests({**read, **(files or {})})
    training.begin_recipe(options, digests, strategy=strategy)
    return found


def translator_batches(
    options: TranslationOptions,
    texts: Mapping[str, data.ParallelTexts],
    source_inputs: text.TextInputs,
    target_inputs: text.SentencePieceInputs,
) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
    """Returns the batches to train on, and those of the development text.

    Args:
        options: Options of the recipe. Training begins where a killed run
            resumes.
        texts: From `begin_translator`.
        source_inputs: Text inputs of the encoder.
        target_inputs: Text inputs of the decoder.

    Example:
        >>> options = TranslationOptions(
        ...     output=Path("runs/new"), train=(Path("a.en"), Path("a.de")))
        >>> inputs = text.SentencePieceInputs(
        ...     text.sentence_piece_model(["a cat sat"] * 9, 12))
        >>> pairs = data.ParallelTexts(["a cat"], ["cat a"], 0)
        >>> translator_batches(options, {"train": pairs}, inputs, inputs)[1]
    """

    def batches(name: str, **steps: int) -> tf.data.Dataset:
        return data.translation_dataset(
            *(texts[name].sources, texts[name].targets),
            *(source_inputs, target_inputs),
            start_id=target_inputs.begin_id,
            tokens_per_batch=options.tokens_per_batch,
            **steps,
        )

    first_step = training.completed_steps(options.output)
    train = batches("train", seed=options.seed, first_step=first_step)
    dev = None
    if "dev" in texts:
        dev = data.first_batches(batches("dev", seed=0), DEV_BATCHES)
    return train, dev
