"""Loads a GPT with its output, of a run or a published one."""

from pathlib import Path

import keras

from keras_ctx import models
from keras_ctx.convert.from_folder import load_encoder, load_text_inputs
from keras_ctx.files.model_file import load_model
from keras_ctx.text import GPTInputs

LANGUAGE_MODEL = "language_model.keras"


def load_causal_language_model(
    folder: str | Path,
) -> tuple[keras.Model, GPTInputs]:
    """Loads a model that continues texts, with its text inputs.

    Args:
        folder: Folder of a run of `pretrain_gpt.py`, or of a GPT-2 with its
            vocabulary, as `load_encoder` reads it.

    Returns:
        A model of `models.causal_language_model`, and its text inputs.

    Raises:
        FileNotFoundError, ValueError: See `load_encoder`; or the text inputs
            are those of another model.

    Example:
        >>> load_causal_language_model("no/such/folder")
        Traceback (most recent call last):
        FileNotFoundError: ...
    """
    folder = Path(folder)
    inputs = load_text_inputs(folder)
    if not isinstance(inputs, GPTInputs):
        raise ValueError(
            "`folder` must hold a GPT-2, whose end token begins and ends a "
            f"text. Received: {folder}, whose text inputs are "
            f"{type(inputs).__name__}. Use `generation.Generator` for another "
            "causal model."
        )
    if (folder / LANGUAGE_MODEL).is_file():
        return load_model(folder / LANGUAGE_MODEL, compile=False), inputs
    return models.causal_language_model(load_encoder(folder)), inputs
