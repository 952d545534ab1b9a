"""Exports a model with its text inputs as a SavedModel that takes strings."""

from keras_ctx.extras import need

need(
    "`keras_ctx.serving` needs",
    "tensorflow",
    "tensorflow_text",
    "tensorflow_serving",
    "keras_hub",
    "safetensors",
)

from keras_ctx.serving.export.litert import export_lite
from keras_ctx.serving.export.saved_model import export
from keras_ctx.serving.signatures.answer_windows import AnswerWindows
from keras_ctx.serving.signatures.generate import GenerateSettings
from keras_ctx.serving.signatures.text_windows import TextWindows
from keras_ctx.serving.signatures.translate import TranslateSettings
from keras_ctx.serving.verify.fresh_process import answers_in_fresh_process
from keras_ctx.serving.verify.raw_answers import answers, newest_version

__all__ = [
    "AnswerWindows",
    "GenerateSettings",
    "TextWindows",
    "TranslateSettings",
    "answers",
    "answers_in_fresh_process",
    "export",
    "export_lite",
    "newest_version",
]
