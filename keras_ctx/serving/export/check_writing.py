"""Checks the settings of a model that writes texts."""

from typing import Any

import keras

from keras_ctx.convert.gpt.language_model import check_continues
from keras_ctx.generation.decoder_of import decoder_of
from keras_ctx.generation.refusals import check_window
from keras_ctx.serving.signatures.generate import GenerateSettings
from keras_ctx.serving.signatures.translate import TranslateSettings
from keras_ctx.text import TextInputs

_SETTINGS = {"generate": GenerateSettings, "translate": TranslateSettings}


def check_writing(
    task: str,
    model: keras.Model,
    text_inputs: TextInputs,
    writing: GenerateSettings | TranslateSettings | None,
) -> None:
    """Refuses settings of another kind of model, or that do not fit it."""
    takes = _SETTINGS.get(task)
    if writing is not None and (
        takes is None or not isinstance(writing, takes)
    ):
        raise ValueError(
            "`writing` must be GenerateSettings for a causal language model, "
            "TranslateSettings for a translator, and left out for "
            f"others. Received: writing={writing} for a model whose task is "
            f"{task!r}"
        )
    if takes is None:
        return
    decoder = decoder_of(model)
    most = None if writing is None else writing.max_length
    if most is not None and not 1 < most <= decoder.max_length:
        raise ValueError(
            f"`writing.max_length` must be from 2 to {decoder.max_length}, the "
            f"positions of `model`. Received: {most}"
        )
    if task == "generate":
        if isinstance(writing, GenerateSettings):
            check_window(writing.window, most or decoder.max_length)
        check_continues(text_inputs, "text_inputs")
        return
    found: Any = writing or TranslateSettings()
    target, start_id = found.target(text_inputs)
    _check_target(target, start_id, decoder.vocabulary_size)


def _check_target(target: Any, start_id: int, size: int) -> None:
    if not hasattr(target, "decode"):
        raise ValueError(
            "`writing.target_inputs` must be able to write texts, as "
            f"SentencePieceInputs. Received: {type(target).__name__}"
        )
    if target.vocabulary_size > size or not start_id < size:
        raise ValueError(
            "`writing.target_inputs` must have the vocabulary that the "
            f"decoder was trained with. Received: {target.vocabulary_size} "
            f"tokens and start_id={start_id}, and a decoder with {size}"
        )
