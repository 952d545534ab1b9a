"""Stops a run that diverges."""

import collections
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_ctx.callback_order import WRITE, PlacedCallback
from keras_ctx.training.run.checkpoints import checkpoints, newest_position

_WINDOW = 100
# For losses that hardly vary: the smallest deviation, as a share of the mean.
_LEAST_DEVIATION = 0.05


class DivergenceError(ArithmeticError):
    """The loss is no longer finite, or far above its recent mean.

    Attributes: `step`, counted from 1 over the whole run.

    Example:
        >>> DivergenceError("The loss is nan", step=3).step
        3
    """

    def __init__(self, message: str, step: int):
        super().__init__(message)
        self.step = step


class StopAtDivergence(PlacedCallback):
    """Raises an error at a loss of nan or inf, or at a spike.

    The error names the step, the records of the batch, and the last
    checkpoint; `BackupAndRestore` never saves weights that are not finite.

    Args:
        folder: Folder of the run.
        spike: Number of standard deviations that the loss of a step may be
            above the mean of the 100 steps before it; `None`: no limit.
        records_of: Takes the number of a step, counted from 0, and returns
            the names of the records of its batch.

    Raises:
        ValueError: `spike` is not positive.
        DivergenceError: In training.

    Example:
        >>> import tempfile
        >>> StopAtDivergence(tempfile.mkdtemp(), spike=10.0).spike
        10.0
    """

    place = WRITE

    def __init__(
        self,
        folder: str | Path,
        spike: float | None = None,
        records_of: Callable[[int], Sequence[str]] | None = None,
    ):
        super().__init__()
        if spike is not None and not spike > 0:
            raise ValueError(f"`spike` must be positive. Received: {spike}")
        self.folder = Path(folder)
        self.spike = spike
        self.records_of = records_of

    def on_train_begin(self, logs=None):
        position = newest_position(self.folder)
        self._step = position.step
        self._done = position.epoch_step
        self._losses: collections.deque[float] = collections.deque(
            maxlen=_WINDOW
        )

    def on_epoch_begin(self, epoch, logs=None):
        # Unknown for a resumed epoch: its first loss is not checked.
        self._mean = None if self._done else 0.0

    def on_train_batch_end(self, batch, logs=None):
        mean = (logs or {})["loss"]
        self._step += 1
        self._done += 1
        if not math.isfinite(mean):
            self._stop(f"is {mean}")
        if self._mean is not None:
            # Keras logs the mean since the beginning of the epoch.
            self._judge(mean * self._done - self._mean * (self._done - 1))
        self._mean = mean

    def on_epoch_end(self, epoch, logs=None):
        self._done = 0

    def _judge(self, loss: float) -> None:
        if self.spike is not None and len(self._losses) == _WINDOW:
            mean = statistics.fmean(self._losses)
            deviation = max(
                statistics.stdev(self._losses), _LEAST_DEVIATION * abs(mean)
            )
            if loss > mean + self.spike * deviation:
                self._stop(
                    f"is {loss:.4g}, more than {self.spike:g} standard "
                    f"deviations above {mean:.4g}, the mean of the "
                    f"{_WINDOW} steps before it"
                )
        self._losses.append(loss)

    def _stop(self, what: str) -> None:
        parts = [f"The loss {what}, at step {self._step}."]
        if self.records_of is not None:
            names = ", ".join(self.records_of(self._step - 1))
            parts.append(f"Its batch: {names}.")
        found = checkpoints(self.folder)
        if found:
            parts.append(
                f"The last good checkpoint is {found[-1]}. The same command "
                "resumes from it and would diverge again: lower the learning "
                "rate, or correct the records, and use another folder."
            )
        else:
            parts.append("There is no checkpoint yet.")
        raise DivergenceError(" ".join(parts), self._step)
