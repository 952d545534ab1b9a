"""The callback that keeps the epoch that is best on development data."""

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
    """The callback of a run with `dev`, or none.

    Call `restore_best` of it after `fit`.

    Args:
        options: `dev` and `patience` are read.
        folder: Of the run.
        name: Of the score.
        score: See `training.DevelopmentScore`.

    Example:
        >>> best_epoch(FineTuningOptions(output=Path("runs/one")),
        ...            "runs/one", "f1", lambda: 0.5)
        []
    """
    if options.dev is None:
        return []
    return [training.DevelopmentScore(score, name, folder, options.patience)]
