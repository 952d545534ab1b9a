"""Contextual word vectors: bricks, encoders, heads, text in and out.

Importing this package registers every class that a `.keras` file may name, so
that `keras.saving.load_model` reads any model made with it, compiled or not.
The packages that need TensorFlow for what they compute (`convert`, `data`,
`predictions`, `serving`, `text`) are loaded when they are first used.
`training` is not: it has such classes, and asks TensorFlow for the devices; it
uses `evaluation`.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from keras_ctx import evaluation, layers, models, training

if TYPE_CHECKING:
    from keras_ctx import convert, data, predictions, serving, text

__version__ = "0.1.0"

__all__ = [
    "convert",
    "data",
    "evaluation",
    "layers",
    "models",
    "predictions",
    "serving",
    "text",
    "training",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"keras_ctx.{name}")
    raise AttributeError(f"module 'keras_ctx' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
