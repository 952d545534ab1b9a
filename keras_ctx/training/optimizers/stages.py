"""One learning rate schedule after another."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ctx.checks import check_at_least
from keras_ctx.training.optimizers.schedules import SlantedTriangular


@keras.saving.register_keras_serializable(package="keras_ctx")
class Stages(keras.optimizers.schedules.LearningRateSchedule):
    """Schedules one after another, each from its own step 0.

    Args:
        schedules: The schedule of each stage.
        steps: Number of updates of each stage but the last, which never ends.

    Raises:
        ValueError: There is no schedule, a number is not positive, or `steps`
            does not have one number less than there are schedules.

    Example:
        >>> rate = Stages(
        ...     [SlantedTriangular(1.0, 4, 0.5),
        ...      SlantedTriangular(0.5, 8, 0.25)], [4])
        >>> [round(float(rate(step)), 3) for step in (2, 3, 4, 6)]
        [1.0, 0.516, 0.016, 0.5]
    """

    def __init__(
        self,
        schedules: Sequence[keras.optimizers.schedules.LearningRateSchedule],
        steps: Sequence[int],
    ):
        for number in steps:
            check_at_least(1, steps=number)
        if len(schedules) != len(steps) + 1:
            raise ValueError(
                "`steps` must have a number for each schedule but the last. "
                f"Received: {len(steps)} numbers, {len(schedules)} schedules"
            )
        self.schedules = list(schedules)
        self.steps = [int(number) for number in steps]

    def __call__(self, step):
        step = ops.cast(step, "float32")
        first, rate = 0, self.schedules[0](step)
        for number, schedule in zip(
            self.steps, self.schedules[1:], strict=True
        ):
            first += number
            later = ops.maximum(step - first, 0.0)
            rate = ops.where(step >= first, schedule(later), rate)
        return rate

    def get_config(self):
        serialize = keras.optimizers.schedules.serialize
        return {
            "schedules": [serialize(each) for each in self.schedules],
            "steps": self.steps,
        }

    @classmethod
    def from_config(cls, config):
        deserialize = keras.optimizers.schedules.deserialize
        schedules = [deserialize(each) for each in config["schedules"]]
        return cls(schedules, config["steps"])


def ulmfit_stages(peak_learning_rate: float, steps: Sequence[int]) -> Stages:
    """Creates the learning rate of ULMFiT's scripts for a classifier.

    In each stage of gradual unfreezing the rate rises from an eighth of the
    peak to the peak, and falls back. It rises for a third of the stage, in
    the last stage for an eighth of it.

    Args:
        peak_learning_rate: Highest learning rate.
        steps: Number of updates of each stage.

    Raises:
        ValueError: A number is not positive, or a stage is too short to rise.

    Example:
        >>> rate = ulmfit_stages(1.0, [3, 8])
        >>> [round(float(rate(step)), 3) for step in (0, 1, 2, 3, 4, 11)]
        [0.125, 1.0, 0.562, 0.125, 1.0, 0.125]

    Source:
        `train_clas.py` of ULMFiT's scripts, with `use_clr` (8, 3) and (8, 8).
    """
    cuts = [1 / 3] * (len(steps) - 1) + [1 / 8]
    schedules = [
        SlantedTriangular(peak_learning_rate, number, cut, ratio=8)
        for number, cut in zip(steps, cuts, strict=True)
    ]
    return Stages(schedules, steps[:-1])
