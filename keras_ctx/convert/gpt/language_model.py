"""Loads a causal language model, of a run or a published one."""

from pathlib import Path
from typing import Any

import keras

from keras_ctx import models
from keras_ctx.convert.from_folder import load_encoder, load_text_inputs
from keras_ctx.files.model_file import load_model
from keras_ctx.text import GPTInputs, ULMFiTInputs

LANGUAGE_MODEL = "language_model.keras"


def load_causal_language_model(
    folder: str | Path,
) -> tuple[keras.Model, GPTInputs | ULMFiTInputs]:
    """Loads a model that continues texts, with its text inputs.

    Args:
        folder: Folder of a run of `pretrain_gpt.py` or `pretrain_ulmfit.py`,
            or of a GPT-2 with its vocabulary, as `load_encoder` reads it.

    Returns:
        A model of `models.causal_language_model` or
        `models.awd_lstm_language_model`, and its text inputs.

    Raises:
        FileNotFoundError, ValueError: See `load_encoder`; or the text inputs
            are those of another model, or read texts from their end.

    Example:
        >>> load_causal_language_model("no/such/folder")
        Traceback (most recent call last):
        FileNotFoundError: ...
    """
    folder = Path(folder)
    inputs: Any = load_text_inputs(folder)
    check_continues(inputs, "folder")
    if (folder / LANGUAGE_MODEL).is_file():
        return load_model(folder / LANGUAGE_MODEL, compile=False), inputs
    if isinstance(inputs, ULMFiTInputs):
        raise FileNotFoundError(
            f"`folder` must hold {LANGUAGE_MODEL}, as pretrain_ulmfit.py "
            f"writes it: an encoder alone has no output. Received: {folder}"
        )
    return models.causal_language_model(load_encoder(folder)), inputs


def check_continues(text_inputs: Any, name: str) -> None:
    """Refuses text inputs of a model that cannot continue a text.

    Args:
        text_inputs: The text inputs.
        name: Name of the argument that they come from, for the message.
    """
    if not isinstance(text_inputs, GPTInputs | ULMFiTInputs):
        raise ValueError(
            f"`{name}` must be of a GPT-2 or of an AWD-LSTM, whose texts "
            "begin with the token that ends the one before. Received: "
            f"{type(text_inputs).__name__}. Use `generation.Generator` for "
            "another causal model."
        )
    if getattr(text_inputs, "backward", False):
        raise ValueError(
            f"`{name}` must be of a model that reads from left to right: "
            "one that reads a text from its end writes what stands before it. "
            "Received: backward=True"
        )
