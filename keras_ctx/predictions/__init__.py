"""Predicts a file with a fine-tuned run: one line in, one line out.

It reads a file as the recipe that trained the run does, runs the model, and
writes the answers.
"""

from keras_ctx.extras import need

need(
    "`keras_ctx.predictions` needs",
    "tensorflow",
    "tensorflow_text",
    "keras_hub",
    "safetensors",
)

from keras_ctx.predictions.model_rows import ModelRows
from keras_ctx.predictions.predict_file import (
    check_file,
    predict_file,
    predict_into,
)
from keras_ctx.predictions.run_task import RunTask, read_task

__all__ = [
    "ModelRows",
    "RunTask",
    "check_file",
    "predict_file",
    "predict_into",
    "read_task",
]
