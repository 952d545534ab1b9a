"""Contextual word vectors: layers, encoders, heads, text in and out.

Importing this package registers every class that a `.keras` file may name, so
that `keras.saving.load_model` loads any model built with it, compiled or not.
`layers` and `models` need Keras and one of its backends. All other packages
also need TensorFlow: `pip install 'keras_ctx[tensorflow]'`. They are loaded
on first use, and so are `load` and `TextModel`, which take text. `training`,
with the `evaluation` that it uses, has classes of `.keras` files: it is loaded
at once where TensorFlow is installed.
"""

import importlib
from typing import TYPE_CHECKING, Any

from keras_ctx.extras import (
    end_recipes_in_one_line,
    is_installed,
    no_tensorflow,
    register_absent_classes,
)

try:
    import keras as _keras  # noqa: F401
except ModuleNotFoundError as _error:
    if _error.name != "tensorflow":
        raise
    end_recipes_in_one_line()
    raise no_tensorflow() from None  # Keras's traceback has 40 lines

from keras_ctx import layers, models
from keras_ctx import text_layer as text_layer  # which a .keras file may name

if is_installed("tensorflow") and is_installed("safetensors"):
    importlib.import_module("keras_ctx.training")
else:
    register_absent_classes()

if TYPE_CHECKING:
    from keras_ctx import (
        convert,
        data,
        evaluation,
        fine_tuning,
        generation,
        predictions,
        pretraining,
        serving,
        text,
        text_model,
        training,
    )
    from keras_ctx.text_model import TextModel, load

__version__ = "0.1.0"

__all__ = [
    "TextModel",
    "convert",
    "data",
    "evaluation",
    "fine_tuning",
    "generation",
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
