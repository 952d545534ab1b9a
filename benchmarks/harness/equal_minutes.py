"""Pretraining for a number of minutes: measured once, then counted in steps."""

import json
from pathlib import Path
from typing import Any

from keras_ctx import training
from keras_ctx.files.whole_file import write_text

from .recipes import ended_run


def steps_per_epoch(
    folder: Path,
    minutes: float,
    epochs: int,
    timed_steps: int,
    options: dict[str, Any],
) -> int:
    """Returns the steps of `pretrain_bert.py` that take the minutes.

    The second of two short epochs is measured. `folder` keeps the number, so
    that a killed series goes on with the same one.

    Args:
        folder: Folder for the short run and `steps.json`.
        minutes: Minutes of training.
        epochs: Number of epochs they are divided into.
        timed_steps: Steps of a short epoch.
        options: Options of the recipe.
    """
    path = folder / "steps.json"
    if not path.exists():
        run = ended_run(
            "pretrain_bert",
            folder / "timed",
            epochs=2,
            **{"steps-per-epoch": timed_steps},
            **options,
        )
        ends = [x for x in training.read_metrics(run) if "epoch" in x]
        seconds = (ends[1]["seconds"] - ends[0]["seconds"]) / timed_steps
        total = 60 * minutes / max(seconds, 1e-3)
        found = {
            "seconds_per_step": seconds,
            "steps_per_epoch": max(1, round(total / epochs)),
        }
        write_text(path, json.dumps(found) + "\n")
    return json.loads(path.read_text("utf-8"))["steps_per_epoch"]
