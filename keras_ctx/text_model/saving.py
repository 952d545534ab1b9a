"""A text model as a folder, which `load` and the recipes read."""

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
"""What the model is called, where it is none with a task."""


def save_text_model(task: RunTask, folder: Path) -> Path:
    """Write the model, what reads its texts, and what they mean.

    The settings come last: a folder with them is whole.
    """
    name = FILES.get(task.kind, MODEL)
    others = {MODEL, *FILES.values()} - {name}
    there = [other for other in sorted(others) if (folder / other).exists()]
    if there:
        raise ValueError(
            "`folder` must hold no model of another kind, which would be read "
            f"in the place of {name}. Received: folder={str(folder)!r} with "
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
