"""The callbacks of every run, in the right order."""

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
    """Returns callbacks that log metrics, save checkpoints and stop divergence.

    Args:
        folder: Folder of the run. `checkpoints/` in it contains the states
            from which it resumes, until `remove_checkpoints`, `metrics.jsonl`
            its metrics, `tensorboard/` their curves.
        batches_per_write: Steps between two points of a curve.
        checkpoint_steps: See `BackupAndRestore`.
        keep: See `BackupAndRestore`.
        spike: See `StopAtDivergence`.
        records_of: See `StopAtDivergence`.
        tokens_per_step: See `RunLog`.
        perplexity_of: See `RunLog`.
        profile: See `RunLog`.
        callbacks: Other callbacks of this run, such as `DevelopmentScore`,
            `EarlyStopping` or your own.

    Returns:
        A list for `model.fit(callbacks=...)`, with `callbacks` in the right
        positions: metrics that they add are logged, and their changes at the
        end of an epoch are saved in its checkpoint. Of several workers only
        the first one writes; the others resume, and stop on divergence.

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
