"""Reads the metrics that a run has logged."""

from pathlib import Path
from typing import Any

from keras_ctx.files.json_text import read_figures
from keras_ctx.training.run.checkpoints import completed_steps


def read_metrics(folder: str | Path) -> list[dict[str, Any]]:
    """Reads the metrics of a run, one dict for each line of `metrics.jsonl`.

    Args:
        folder: Folder of the run.

    Returns:
        Lines for steps and for epochs, in the order of training; only those
        for epochs have `epoch`, counted from 1. All have `step`, counted over
        the whole run, and `seconds` of training so far. Values may be NaN or
        infinite, which are null and "Infinity" in the file. Without the file
        the list is empty.

    Raises:
        ValueError: A line is not a JSON object, or lacks `step` or
            `seconds`.

    Example:
        >>> read_metrics("a folder that is not there")
        []
    """
    path = Path(folder) / "metrics.jsonl"
    if not path.exists():
        return []
    # A kill while a line is written leaves a part of it, without a line break.
    whole = path.read_bytes().split(b"\n")[:-1]
    found = []
    for number, line in enumerate(whole, 1):
        try:
            found.append(_figures_of(line))
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number}: every line must be a JSON object with "
                "the numbers `step` and `seconds`. Remove the line to read the "
                f"others. Received: {line[:60]!r}: {error}"
            ) from error
    return found


def kept_metrics(folder: str | Path) -> list[dict[str, Any]]:
    """Returns the metrics up to the newest checkpoint, where a run resumes."""
    steps = completed_steps(folder)
    return [line for line in read_metrics(folder) if line["step"] <= steps]


def seconds_trained(folder: str | Path) -> float:
    """Returns the seconds of training before a run resumes.

    Args:
        folder: Folder of the run; without a checkpoint the result is 0.

    Example:
        >>> seconds_trained("a folder that is not there")
        0.0
    """
    lines = kept_metrics(folder)
    return lines[-1]["seconds"] if lines else 0.0


def _figures_of(line: bytes) -> dict[str, Any]:
    figures = read_figures(line.decode("utf-8"))
    if not isinstance(figures, dict):
        raise ValueError("it is no object")
    for name in ("step", "seconds"):
        if not isinstance(figures.get(name), int | float):
            raise ValueError(f"`{name}` is no number")
    return figures
