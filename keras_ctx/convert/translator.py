"""Loads a translator with its text inputs, of both sides."""

from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_ctx import text
from keras_ctx.files.model_file import load_model

TRANSLATOR, TEXT_INPUTS = "translator.keras", "text_inputs.json"
TARGET_INPUTS = "target_inputs.json"
"""Text inputs of the translations, where they are not those of the texts."""


class LoadedTranslator(NamedTuple):
    """A model that translates, and its text inputs.

    Example:
        >>> LoadedTranslator(model=None, source_inputs="a",
        ...     target_inputs="b").target_inputs
        'b'
    """

    model: keras.Model
    """A model of `encoder_decoder` or `attentional_lstm_translator`."""
    source_inputs: text.TextInputs
    """Text inputs of the texts."""
    target_inputs: text.SentencePieceInputs
    """Text inputs of the translations; the same object if there is one."""


def load_translator(folder: str | Path) -> LoadedTranslator:
    """Loads the translator of a run.

    Args:
        folder: Folder of a finished run of `train_translator.py` or
            `pretrain_cove.py`.

    Returns:
        A `LoadedTranslator`.

    Raises:
        FileNotFoundError: The folder has no translator.
        ValueError: A file is damaged.

    Example:
        >>> load_translator("no/such/folder")
        Traceback (most recent call last):
        FileNotFoundError: `model` must be the folder of a finished run ...
    """
    folder = Path(folder)
    if not (folder / TRANSLATOR).is_file():
        raise FileNotFoundError(
            "`model` must be the folder of a finished run of "
            f"train_translator.py or pretrain_cove.py, with a {TRANSLATOR}. "
            f"Received: model={folder}"
        )
    source = text.load_inputs(folder / TEXT_INPUTS)
    target: Any = source
    if (folder / TARGET_INPUTS).is_file():
        target = text.load_inputs(folder / TARGET_INPUTS)
    model = load_model(folder / TRANSLATOR, compile=False)
    return LoadedTranslator(model, source, target)


def save_translator_inputs(
    folder: Path, source: text.TextInputs, target: text.TextInputs
) -> None:
    """Saves the text inputs of a translator, one file if they are the same.

    Args:
        folder: Folder of the run.
        source: Text inputs of the texts.
        target: Text inputs of the translations.
    """
    text.save_inputs(source, folder / TEXT_INPUTS)
    if target is not source:
        text.save_inputs(target, folder / TARGET_INPUTS)
