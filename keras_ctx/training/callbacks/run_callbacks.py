"""The callbacks of every run, in the order that they need."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from keras_ctx.callback_order import in_order
from keras_ctx.training.callbacks.backup import BackupAndRestore
from keras_ctx.training.callbacks.divergence import StopAtDivergence
from keras_ctx.training.callbacks.log import RunLog
from keras_ctx.training.callbacks.resumed_epoch import ResumedEpoch
from keras_ctx.training.distribution.workers import is_chief


def run_callbacks(
    folder: str | Path,
    batches_per_write: int = 20,
    checkpoint_steps: int | None = None,
    keep: int = 2,
    *,
    spike: float | None = None,
    records_of: Callable[[int], Sequence[str]] | None = None,
    tokens_per_step: int | None = None,
    perplexity_of: Sequence[str] = (),
    profile: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[keras.callbacks.Callback]:
    """Callbacks of every run: figures, a stop where it diverges, checkpoints.

    Args:
        folder: Of the run. `checkpoints/` in it holds the states from which
            it resumes until `remove_checkpoints`, `metrics.jsonl` its
            figures, `tensorboard/` the curves of them.
        batches_per_write: Steps from one point of a curve to the next.
        checkpoint_steps: See `BackupAndRestore`.
        keep: See `BackupAndRestore`.
        spike: See `StopAtDivergence`.
        records_of: See `StopAtDivergence`.
        tokens_per_step: See `RunLog`.
        perplexity_of: See `RunLog`.
        profile: See `RunLog`.
        callbacks: Others of this run, such as `DevelopmentScore`,
            `EarlyStopping` or your own.

    Returns:
        A list for `model.fit(callbacks=...)`, with `callbacks` where they
        belong: figures that they add are written down, and what they change
        at the end of an epoch is saved with it. Of several workers the first
        one writes; the others only resume, and stop where it diverges.

    Example:
        >>> import tempfile
        >>> len(run_callbacks(tempfile.mkdtemp()))
        4
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    log = RunLog(
        folder, batches_per_write, tokens_per_step, perplexity_of, profile
    )
    return in_order(
        [
            ResumedEpoch(folder),
            *callbacks,
            *([log] if is_chief() else []),
            StopAtDivergence(folder, spike, records_of),
            BackupAndRestore(folder, checkpoint_steps, keep),
        ]
    )
