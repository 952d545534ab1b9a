"""Pretraining for a number of minutes: measured once, then counted in steps."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ctx import training
from keras_ctx.files.whole_file import write_text

from .recipes import ended_run


@dataclass(frozen=True)
class EqualMinutes:
    """Options of a benchmark that pretrains BERTs and fine-tunes each."""

    minutes: float = 8.0
    """Minutes of training of each line of the table."""
    epochs: int = 8
    """Checkpoints of each."""
    timed_steps: int = 60
    """Steps that are measured, after as many to warm up."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the fine-tuning."""
    num_train: int = 1000
    """Labelled examples of each task."""
    toy: bool = False
    """Whether to try it in minutes, with figures that mean nothing."""

    def steps_per_epoch(self, folder: Path, options: dict[str, Any]) -> int:
        """Returns the steps of `pretrain_bert.py` that take the minutes.

        The second of two short epochs is measured. `folder` keeps the number,
        so that a killed series resumes with the same one.

        Args:
            folder: Folder for the short run and `steps.json`.
            options: Options of the recipe.
        """
        path = folder / "steps.json"
        if not path.exists():
            run = ended_run(
                "pretrain_bert",
                folder / "timed",
                epochs=2,
                **{"steps-per-epoch": self.timed_steps},
                **options,
            )
            ends = [x for x in training.read_metrics(run) if "epoch" in x]
            spent = ends[1]["seconds"] - ends[0]["seconds"]
            seconds = spent / self.timed_steps
            total = 60 * self.minutes / max(seconds, 1e-3)
            found = {
                "seconds_per_step": seconds,
                "steps_per_epoch": max(1, round(total / self.epochs)),
            }
            write_text(path, json.dumps(found) + "\n")
        return json.loads(path.read_text("utf-8"))["steps_per_epoch"]
