"""The learning rate of each step, worked out by hand."""

import keras
import pytest

from keras_ctx.training import WarmupLinearDecay


def test_rises_to_the_peak_and_falls_to_zero() -> None:
    rate = WarmupLinearDecay(0.4, total_steps=12, warmup_steps=4)
    # Up by 0.1 a step, down by 0.4 / 8, and nothing after the end.
    expected = {0: 0.0, 1: 0.1, 4: 0.4, 5: 0.35, 8: 0.2, 12: 0.0, 20: 0.0}
    for step, value in expected.items():
        assert float(rate(step)) == pytest.approx(value, abs=1e-7)


def test_without_warmup_starts_at_the_peak() -> None:
    rate = WarmupLinearDecay(1.0, total_steps=4, warmup_steps=0)
    assert [float(rate(step)) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]


def test_config_round_trip() -> None:
    schedules = keras.optimizers.schedules
    rate = WarmupLinearDecay(0.4, total_steps=12, warmup_steps=4)
    again = schedules.deserialize(schedules.serialize(rate))
    assert again.get_config() == rate.get_config()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((0.0, 10, 1), "`peak_learning_rate` must be above 0"),
        ((1.0, 10, 10), "`warmup_steps` must be at least 0 and below"),
        ((1.0, 10, -1), "`warmup_steps` must be at least 0 and below"),
    ],
)
def test_errors(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WarmupLinearDecay(*arguments)
