"""Halves the learning rate when a development loss rises."""

import math
from pathlib import Path

import keras

from keras_ctx.checks import check_positive
from keras_ctx.training.run.checkpoints import newest_position
from keras_ctx.training.run.metrics_file import kept_metrics


class HalveRate(keras.callbacks.Callback):
    """Halves the learning rate after an epoch worse than the one before.

    It compares an epoch with the epoch before, not with the best one, and
    stops training when the rate falls below a share of the first. A killed
    run that `run_callbacks` resumes ends as an uninterrupted one: the rate is
    in the checkpoint, the losses are in `metrics.jsonl`. Give `fit` the
    `epochs` that `last_epoch` returns, so that a run that was killed after
    its last epoch does not train further. The optimizer must have a constant
    rate, no schedule.

    Args:
        monitor: Name of the loss in the logs, lower is better.
        folder: Folder of the run.
        least_share: Share of the first rate below which training stops.

    Raises:
        ValueError: `least_share` is not positive; in training, the logs have
            no such loss, or it is NaN.

    Example:
        >>> import numpy as np, tempfile
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x = np.ones((2, 1))
        >>> halve = HalveRate("val_loss", tempfile.mkdtemp())
        >>> _ = model.fit(
        ...     x, x, epochs=2, callbacks=[halve], verbose=0,
        ...     validation_data=(x, x))

    Source:
        McCann et al. 2017, section 3, https://arxiv.org/abs/1708.00107; as in
        the code of salesforce/cove.
    """

    def __init__(
        self, monitor: str, folder: str | Path, least_share: float = 0.03
    ):
        super().__init__()
        check_positive(least_share=least_share)
        self.monitor = monitor
        self.folder = Path(folder)
        self.least_share = least_share

    def last_epoch(self, most: int) -> int:
        """Returns the number of epochs to give `fit`.

        Args:
            most: The most epochs of the run.

        Returns:
            `most`; or, if the rate of the newest checkpoint is too low, the
            number of epochs before this checkpoint.
        """
        losses = self._losses()
        rises = sum(x > y for x, y in zip(losses[1:], losses, strict=False))
        return len(losses) if 0.5**rises < self.least_share else most

    def on_train_begin(self, logs=None):
        self._before = ([math.inf, *self._losses()])[-1]
        # The rate at the beginning of the run: no checkpoint is loaded yet.
        self._first = self._rate()

    def on_epoch_end(self, epoch, logs=None):
        loss = (logs or {}).get(self.monitor)
        if loss is None or math.isnan(loss):
            raise ValueError(
                f"`monitor` must be a loss in the logs, a number. Received: "
                f"{self.monitor!r} is {loss} after epoch {epoch + 1}; the logs "
                f"have {sorted(logs or {})}"
            )
        if loss > self._before:
            self.model.optimizer.learning_rate = self._rate() / 2
            print(f"\nThe learning rate is {self._rate():.4g} from here on.")
        self._before = loss
        if self._rate() < self.least_share * self._first:
            self.model.stop_training = True

    def _losses(self) -> list[float]:
        """Returns the losses of the epochs before the newest checkpoint."""
        epochs = newest_position(self.folder).epoch
        found = [x for x in kept_metrics(self.folder) if "epoch" in x]
        return [x[self.monitor] for x in found if x["epoch"] <= epochs]

    def _rate(self) -> float:
        rate = self.model.optimizer.learning_rate
        return float(keras.ops.convert_to_numpy(rate))
