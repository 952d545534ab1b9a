"""One object that takes text: a model with its text inputs and its labels."""

from keras_ctx.extras import need

need(
    "`keras_ctx.text_model` needs",
    "tensorflow",
    "tensorflow_text",
    "keras_hub",
    "safetensors",
    "tensorflow_serving",
)

from keras_ctx.text_layer import StringModel, TextLayer
from keras_ctx.text_model.load import load
from keras_ctx.text_model.model import TextModel
from keras_ctx.text_model.results import (
    Answer,
    Entity,
    Filled,
    Label,
    LabelSet,
    Tokens,
)

__all__ = [
    "Answer",
    "Entity",
    "Filled",
    "Label",
    "LabelSet",
    "StringModel",
    "TextLayer",
    "TextModel",
    "Tokens",
    "load",
]
