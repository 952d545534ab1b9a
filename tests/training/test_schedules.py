"""The learning rate of each step, by hand."""

import keras
import pytest

from keras_ctx.training import (
    InverseSquareRoot,
    PerUpdate,
    SlantedTriangular,
    WarmupLinearDecay,
)


def test_rises_to_the_peak_and_falls_to_zero() -> None:
    rate = WarmupLinearDecay(0.4, total_steps=12, warmup_steps=4)
    # Up by 0.1 per step, down by 0.4 / 8, and 0 after the end.
    expected = {0: 0.0, 1: 0.1, 4: 0.4, 5: 0.35, 8: 0.2, 12: 0.0, 20: 0.0}
    for step, value in expected.items():
        assert float(rate(step)) == pytest.approx(value, abs=1e-7)


def test_without_warmup_starts_at_the_peak() -> None:
    rate = WarmupLinearDecay(1.0, total_steps=4, warmup_steps=0)
    assert [float(rate(step)) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]


def test_slanted_triangle_is_equation_3() -> None:
    # The paper's own numbers: a tenth of the steps up, ratio 32. cut = 10;
    # the rate is the peak times (1 + 31 p) / 32, with p = step / 10 on the
    # way up and 1 - (step - 10) / 90 on the way down.
    rate = SlantedTriangular(0.01, total_steps=100)
    shares = {0: 1, 5: 16.5, 10: 32, 55: 16.5, 91: 4.1, 100: 1, 130: 1}
    for step, share in shares.items():
        assert float(rate(step)) == pytest.approx(0.01 * share / 32, abs=1e-8)


def test_slanted_triangle_rounds_the_cut_down_and_stays_positive() -> None:
    # cut = 1 of 15 steps: the equation ends at p = 1 - 13 / 9.
    rate = SlantedTriangular(1.0, total_steps=15, cut_frac=0.1, ratio=4)
    found = [float(rate(step)) for step in (0, 1, 4, 10, 14)]
    assert found == pytest.approx([1 / 4, 1, 3 / 4, 1 / 4, 1 / 4], abs=1e-6)
    # 0.29 * 100 is 28.999999999999996 in floating point.
    assert SlantedTriangular(1.0, 100, 0.29).cut == 29


def test_batches_of_one_update_have_one_rate() -> None:
    rate = PerUpdate(WarmupLinearDecay(0.4, 12, warmup_steps=4), 2)
    found = [float(rate(batch)) for batch in range(10)]
    expected = [0, 0, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4]
    assert found == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    "rate",
    [
        WarmupLinearDecay(0.4, total_steps=12, warmup_steps=4),
        SlantedTriangular(0.4, total_steps=12, cut_frac=0.25, ratio=8),
        PerUpdate(SlantedTriangular(0.4, total_steps=12, cut_frac=0.25), 3),
    ],
)
def test_config_round_trip(rate) -> None:
    schedules = keras.optimizers.schedules
    again = schedules.deserialize(schedules.serialize(rate))
    assert again.get_config() == rate.get_config()
    assert float(again(7)) == float(rate(7))


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


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((0.0, 100), "`peak_learning_rate` must be above 0"),
        ((1.0, 9), "`cut_frac` must be .*cut_frac=0.1, total_steps=9"),
        ((1.0, 9, 1.0), "`cut_frac` must be .*cut_frac=1.0"),
        ((1.0, 100, 0.1, 0.5), "`ratio` must be at least 1. Received: 0.5"),
    ],
)
def test_slanted_triangle_refuses(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SlantedTriangular(*arguments)


def test_inverse_square_root_is_the_papers_formula() -> None:
    dim, warmup = 512, 4000
    rate = InverseSquareRoot(dim**-0.5 * warmup**-0.5, warmup)
    for step in (1, 17, 3999, 4000, 4001, 100_000):
        expected = dim**-0.5 * min(step**-0.5, step * warmup**-1.5)
        found = float(rate(step - 1))  # Keras counts from 0
        assert found == pytest.approx(expected, rel=1e-5)  # float32


def test_inverse_square_root_is_saved() -> None:
    schedules = keras.optimizers.schedules
    rate = InverseSquareRoot(0.5, 7)
    again = schedules.deserialize(schedules.serialize(rate))
    assert again.get_config() == {"peak_learning_rate": 0.5, "warmup_steps": 7}
    with pytest.raises(ValueError, match="`warmup_steps` must be"):
        InverseSquareRoot(0.5, 0)
    with pytest.raises(ValueError, match="`peak_learning_rate` must be"):
        InverseSquareRoot(0.0, 4)
