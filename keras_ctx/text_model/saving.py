"""Saves a text model to a folder, for `load` and the recipes."""

import sys
from pathlib import Path

from keras_ctx import text, training
from keras_ctx.predictions.run_task import (
    LABELS,
    MODEL,
    TASK,
    TEXT_INPUTS,
    RunTask,
)

FILES = {"encoder": "encoder.keras", "fill_mask": "pretrainer.keras"}
"""File names of models other than task models."""


def save_text_model(task: RunTask, folder: Path) -> Path:
    """Saves the model, its text inputs, its labels and its settings.

    The settings are written last: a folder with them is complete.
    """
    name = FILES.get(task.kind, MODEL)
    others = {MODEL, *FILES.values()} - {name}
    there = [other for other in sorted(others) if (folder / other).exists()]
    if there:
        raise ValueError(
            "`folder` must hold no model of another kind, which would be read "
            f"instead of {name}. Received: folder={str(folder)!r} with "
            f"{there}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TASK).unlink(missing_ok=True)
    training.save_model(task.model, folder / name)
    text.save_inputs(task.text_inputs, folder / TEXT_INPUTS)
    if task.labels:
        text.save_vocabulary(task.labels, folder / LABELS)
    else:
        (folder / LABELS).unlink(missing_ok=True)
    # The package imports this one: its version is looked up when it is there.
    version = sys.modules["keras_ctx"].__version__
    training.save_json(
        {**task.settings, "task": task.kind, "library": version}, folder / TASK
    )
    return folder
