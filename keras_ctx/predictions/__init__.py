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

from keras_ctx.predictions.average import average_logits, read_same_tasks
from keras_ctx.predictions.model_rows import ModelRows
from keras_ctx.predictions.predict_file import (
    check_file,
    predict_file,
    predict_into,
)
from keras_ctx.predictions.run_task import RunTask, read_task
from keras_ctx.predictions.text_lines import text_task

__all__ = [
    "ModelRows",
    "RunTask",
    "average_logits",
    "check_file",
    "predict_file",
    "predict_into",
    "read_same_tasks",
    "read_task",
    "text_task",
]
