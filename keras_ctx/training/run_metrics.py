"""The figures that a run has written down."""

from pathlib import Path
from typing import Any

from keras_ctx.json_text import read_figures


def read_metrics(folder: str | Path) -> list[dict[str, Any]]:
    """The figures of a run, one dict for each line of its `metrics.jsonl`.

    Args:
        folder: Of the run.

    Returns:
        Lines of steps and of epochs in the order of training; only those of
        epochs have `epoch`, counted from 1. All have `step`, in all, and
        `seconds`, of training so far. Figures may be NaN or infinite, which
        the file says as null and "Infinity". There is no line without the file.

    Raises:
        ValueError: A line is no JSON.

    Example:
        >>> read_metrics("a folder that is not there")
        []
    """
    path = Path(folder) / "metrics.jsonl"
    if not path.exists():
        return []
    # A kill while a line is written leaves the half of it, without an end.
    whole = path.read_text("utf-8").split("\n")[:-1]
    found = []
    for number, line in enumerate(whole, 1):
        try:
            found.append(read_figures(line))
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number}: every line must be JSON. Remove the "
                f"line to read the others. Received: {line[:60]!r}: {error}"
            ) from error
    return found
