"""Checks that label names are those of the model."""

from collections.abc import Sequence
from typing import Any

from keras_ctx.predictions.run_task import RunTask


def check_name(task: RunTask, label: Any, row: int) -> None:
    """Refuses a value that is not a label of the model."""
    if not isinstance(label, str) or label not in task.labels:
        raise ValueError(
            f"`labels` must be names of the classes, {_some(task.labels)}. "
            f"Received: {label!r} in row {row}"
        )


def _some(labels: Sequence[str]) -> str:
    shown = ", ".join(map(repr, labels[:10]))
    return shown if len(labels) <= 10 else f"{shown}, ..."
