"""Contextual word vectors: bricks, encoders, heads, text in and out.

Importing this package registers every class that a `.keras` file may name, so
that `keras.saving.load_model` reads any model made with it, compiled or not.
The packages that need TensorFlow for what they compute (`convert`, `data`,
`fine_tuning`, `predictions`, `pretraining`, `serving`, `text`, `text_model`)
are loaded when they are first used, and so are `load` and `TextModel`, which
take text.
`training` is not: it has such classes, and asks TensorFlow for the devices; it
uses `evaluation`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from keras_ctx import evaluation, layers, models, training
from keras_ctx import text_layer as text_layer  # which a .keras file may name

if TYPE_CHECKING:
    from keras_ctx import (
        convert,
        data,
        fine_tuning,
        predictions,
        pretraining,
        serving,
        text,
        text_model,
    )
    from keras_ctx.text_model import TextModel, load

__version__ = "0.1.0"

__all__ = [
    "TextModel",
    "convert",
    "data",
    "evaluation",
    "fine_tuning",
    "layers",
    "load",
    "models",
    "predictions",
    "pretraining",
    "serving",
    "text",
    "text_model",
    "training",
]
_OF_TEXT_MODEL = ("TextModel", "load")


def __getattr__(name: str) -> Any:
    if name in _OF_TEXT_MODEL:
        return getattr(importlib.import_module("keras_ctx.text_model"), name)
    if name in __all__:
        return importlib.import_module(f"keras_ctx.{name}")
    raise AttributeError(f"module 'keras_ctx' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
