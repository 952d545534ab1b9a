"""Learning rate schedules."""

import math

import keras
from keras import ops

from keras_ctx.checks import check_at_least
from keras_ctx.files.earlier_names import with_names_of_today


@keras.saving.register_keras_serializable(package="keras_ctx")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from 0 to the peak, then a linear decay to 0.

    Args:
        peak_learning_rate: Highest learning rate, reached after the warm-up.
        total_steps: Number of updates of the whole run.
        warmup_steps: Number of updates of the warm-up, below `total_steps`.

    Raises:
        ValueError: `warmup_steps` is not below `total_steps`, or a number is
            out of range.

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
        _check_peak(peak_learning_rate)
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


@keras.saving.register_keras_serializable(package="keras_ctx")
class SlantedTriangular(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from a fraction of the peak, then a linear decay to it.

    Args:
        peak_learning_rate: Highest learning rate.
        total_steps: Number of updates of the whole run.
        cut_frac: Share of the updates in which the learning rate rises.
        ratio: The highest learning rate divided by the lowest.

    Raises:
        ValueError: A number is out of range, or the rise has no step.

    Example:
        >>> rate = SlantedTriangular(1.0, 20, cut_frac=0.2, ratio=5)
        >>> [round(float(rate(step)), 3) for step in (0, 2, 4, 12, 20)]
        [0.2, 0.6, 1.0, 0.6, 0.2]

    Source:
        Howard and Ruder 2018, section 3.2, equation 3,
        https://arxiv.org/abs/1801.06146.

    Differs:
        The learning rate stays at its lowest where the equation would go
        below it: from `total_steps` on, and in the last few steps if
        `total_steps * cut_frac` is not an integer.
    """

    def __init__(
        self,
        peak_learning_rate: float,
        total_steps: int,
        cut_frac: float = 0.1,
        ratio: float = 32,
    ):
        _check_peak(peak_learning_rate)
        # Rounded first, so that 0.29 * 100 is 29 and not slightly less.
        cut = math.floor(round(total_steps * cut_frac, 9))
        if not (cut >= 1 and cut_frac < 1):
            raise ValueError(
                "`cut_frac` must be below 1, and at least 1 / `total_steps`, "
                "so that the rate rises in an update: train for more updates "
                f"than {total_steps}, raise `cut_frac` (`warmup_ratio` of the "
                'recipes), or take the schedule "linear". '
                f"Received: cut_frac={cut_frac}, total_steps={total_steps}"
            )
        if not ratio >= 1:
            raise ValueError(f"`ratio` must be at least 1. Received: {ratio}")
        self.peak_learning_rate = peak_learning_rate
        self.total_steps = total_steps
        self.cut_frac = cut_frac
        self.ratio = ratio
        self.cut = cut

    def __call__(self, step):
        step = ops.cast(step, "float32")
        down = 1 - (step - self.cut) / (self.cut * (1 / self.cut_frac - 1))
        share = ops.where(step < self.cut, step / self.cut, down)
        share = ops.maximum(share, 0.0)
        return (
            self.peak_learning_rate
            * (1 + share * (self.ratio - 1))
            / self.ratio
        )

    def get_config(self):
        return {
            "peak_learning_rate": self.peak_learning_rate,
            "total_steps": self.total_steps,
            "cut_frac": self.cut_frac,
            "ratio": self.ratio,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**with_names_of_today(config))


@keras.saving.register_keras_serializable(package="keras_ctx")
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise to the peak, then a decay with the root of the step.

    The rate of update s, from 1, is `peak * min(s / w, (w / s) ** 0.5)`. The
    paper's factor is `hidden_dim ** -0.5 * warmup_steps ** -0.5` as peak.

    Args:
        peak_learning_rate: Highest learning rate, reached after the warm-up.
        warmup_steps: Number w of updates of the warm-up.

    Raises:
        ValueError: A number is not positive.

    Example:
        >>> rate = InverseSquareRoot(1.0, warmup_steps=4)
        >>> [round(float(rate(step)), 3) for step in (0, 1, 3, 15)]
        [0.25, 0.5, 1.0, 0.5]

    Source:
        Vaswani et al. 2017, section 5.3, https://arxiv.org/abs/1706.03762.
    """

    def __init__(self, peak_learning_rate: float, warmup_steps: int):
        _check_peak(peak_learning_rate)
        check_at_least(1, warmup_steps=warmup_steps)
        self.peak_learning_rate = peak_learning_rate
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1.0
        up = step / self.warmup_steps
        down = ops.sqrt(self.warmup_steps / step)
        return self.peak_learning_rate * ops.minimum(up, down)

    def get_config(self):
        return {
            "peak_learning_rate": self.peak_learning_rate,
            "warmup_steps": self.warmup_steps,
        }


@keras.saving.register_keras_serializable(package="keras_ctx")
class PerUpdate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule in updates, for optimizers that accumulate gradients.

    Keras calls schedules with the number of batches, even with
    `gradient_accumulation_steps`.

    Args:
        schedule: The learning rate of each update.
        gradient_accumulation_steps: Number of batches of an update.

    Example:
        >>> rate = PerUpdate(WarmupLinearDecay(1.0, 10, warmup_steps=2), 3)
        >>> [round(float(rate(batch)), 3) for batch in (0, 2, 3, 5, 6)]
        [0.0, 0.0, 0.5, 0.5, 1.0]
    """

    def __init__(
        self,
        schedule: keras.optimizers.schedules.LearningRateSchedule,
        gradient_accumulation_steps: int,
    ):
        self.schedule = schedule
        self.gradient_accumulation_steps = gradient_accumulation_steps

    def __call__(self, step):
        return self.schedule(
            ops.floor_divide(step, self.gradient_accumulation_steps)
        )

    def get_config(self):
        schedules = keras.optimizers.schedules
        return {
            "schedule": schedules.serialize(self.schedule),
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config):
        schedules = keras.optimizers.schedules
        return cls(
            schedules.deserialize(config["schedule"]),
            config["gradient_accumulation_steps"],
        )


def _check_peak(peak_learning_rate: float) -> None:
    if not peak_learning_rate > 0:
        raise ValueError(
            "`peak_learning_rate` must be above 0. "
            f"Received: peak_learning_rate={peak_learning_rate}"
        )
