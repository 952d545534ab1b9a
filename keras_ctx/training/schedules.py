"""Learning rates over the steps of a run."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_ctx")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """From 0 up to the peak, then straight down to 0.

    Args:
        peak_learning_rate: Highest rate, reached after the warm-up.
        total_steps: Updates of the whole run.
        warmup_steps: Updates of the rise, below `total_steps`.

    Raises:
        ValueError: the numbers do not fit together.

    Example:
        >>> rate = WarmupLinearDecay(1.0, total_steps=10, warmup_steps=2)
        >>> [round(float(rate(step)), 3) for step in (0, 1, 2, 6, 10)]
        [0.0, 0.5, 1.0, 0.5, 0.0]

    Source:
        Devlin et al. 2019, appendix A.2.
    """

    def __init__(
        self, peak_learning_rate: float, total_steps: int, warmup_steps: int
    ):
        if not peak_learning_rate > 0:
            raise ValueError(
                "`peak_learning_rate` must be above 0. "
                f"Received: peak_learning_rate={peak_learning_rate}"
            )
        if not 0 <= warmup_steps < total_steps:
            raise ValueError(
                "`warmup_steps` must be at least 0 and below `total_steps`. "
                f"Received: warmup_steps={warmup_steps}, "
                f"total_steps={total_steps}"
            )
        self.peak_learning_rate = peak_learning_rate
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        up = step / max(self.warmup_steps, 1)
        down = (self.total_steps - step) / (
            self.total_steps - self.warmup_steps
        )
        share = ops.where(step < self.warmup_steps, up, down)
        return self.peak_learning_rate * ops.clip(share, 0.0, 1.0)

    def get_config(self):
        return {
            "peak_learning_rate": self.peak_learning_rate,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
        }
