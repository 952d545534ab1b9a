"""Model and text function together as a SavedModel that takes strings."""

from keras_ctx.serving.fresh_process import answers_in_fresh_process
from keras_ctx.serving.lite_model import export_lite
from keras_ctx.serving.raw_answers import answers, newest_version
from keras_ctx.serving.saved_model import export
from keras_ctx.serving.text_windows import TextWindows
from keras_ctx.serving.windows import AnswerWindows

__all__ = [
    "AnswerWindows",
    "TextWindows",
    "answers",
    "answers_in_fresh_process",
    "export",
    "export_lite",
    "newest_version",
]
