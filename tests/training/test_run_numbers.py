"""Impossible numbers are refused before a run starts."""

import math
from types import SimpleNamespace

import pytest

from keras_ctx.training import check_run_numbers, over_seeds
from keras_ctx.training.run.numbers import COUNTS


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_a_count(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
        check_run_numbers(SimpleNamespace(**{name: value}))


@pytest.mark.parametrize(
    "config",
    [{"seeds": seeds} for seeds in ((), (1, 1), (-1,), (1, 2**32), (math.nan,))]
    + [{"seed": -1}, {"seed": 2**32}],
)
def test_a_seed(config: dict) -> None:
    with pytest.raises(ValueError, match="`seeds?` must "):
        check_run_numbers(SimpleNamespace(**config))


def test_what_is_none_or_right_stays() -> None:
    check_run_numbers(SimpleNamespace(patience=None, seeds=(0, 2**32 - 1)))
    check_run_numbers(SimpleNamespace(epochs=1, seed=0))


def test_over_seeds_writes_nothing_for_a_wrong_seed(tmp_path) -> None:
    with pytest.raises(ValueError, match="`seeds` must be from 0 to"):
        over_seeds(lambda seed, folder: {"f1": 0.0}, [-1], tmp_path / "run", {})
    assert not (tmp_path / "run").exists()
