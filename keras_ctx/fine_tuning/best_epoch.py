"""The callback that keeps the best epoch on development data."""

from collections.abc import Callable
from pathlib import Path

from keras_ctx import training
from keras_ctx.fine_tuning.options.shared import FineTuningOptions


def best_epoch(
    options: FineTuningOptions,
    folder: str | Path,
    name: str,
    score: Callable[[], float],
) -> list[training.DevelopmentScore]:
    """Returns the callback of a run with `dev`, else an empty list.

    Call its `restore_best` after `fit`.

    Args:
        options: Uses `dev` and `patience`.
        folder: Folder of the run.
        name: Name of the score.
        score: See `training.DevelopmentScore`.

    Example:
        >>> best_epoch(FineTuningOptions(output=Path("runs/one")),
        ...            "runs/one", "f1", lambda: 0.5)
        []
    """
    if options.dev is None:
        return []
    return [training.DevelopmentScore(score, name, folder, options.patience)]
