"""Pooling compared with the formulas of sentence-transformers in NumPy."""

import numpy as np
import pytest

from keras_ctx.layers import Pooling
from keras_ctx.layers.outputs.pooling import MODES

X = np.random.default_rng(3).normal(size=(3, 5, 4)).astype("float32") - 1
LENGTHS = (5, 3, 1)
MASK = np.arange(5)[None] < np.array(LENGTHS)[:, None]


def by_hand(mode: str, x: np.ndarray, skipped: int = 0) -> np.ndarray:
    """Pools one row (T, D) without padding, in float64."""
    x = x.astype("float64")
    if mode == "cls":
        return x[0]
    places = np.arange(1, len(x) + 1)[skipped:, None]
    x = x[skipped:]
    return {
        "max": lambda: x.max(axis=0),
        "mean": lambda: x.mean(axis=0),
        "mean_sqrt_len": lambda: x.sum(axis=0) / np.sqrt(len(x)),
        "weighted_mean": lambda: (x * places).sum(axis=0) / places.sum(),
        "last": lambda: x[-1],
    }[mode]()


@pytest.mark.parametrize("mode", MODES)
def test_each_mode(mode: str) -> None:
    found = Pooling(mode)(X, MASK).numpy()
    for row, length in enumerate(LENGTHS):
        expected = by_hand(mode, X[row, :length])
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_without_a_prompt(mode: str) -> None:
    found = Pooling(mode, num_skipped=2)(X[:2], MASK[:2]).numpy()
    for row, length in enumerate(LENGTHS[:2]):
        expected = by_hand(mode, X[row, :length], skipped=2)
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-6)


def test_several_stand_in_one_order() -> None:
    found = Pooling(["mean", "cls", "max"])(X, MASK).numpy()
    expected = np.concatenate(
        [Pooling(mode)(X, MASK).numpy() for mode in ("cls", "max", "mean")], -1
    )
    np.testing.assert_array_equal(found, expected)


def test_rows_without_tokens_are_zeros() -> None:
    found = Pooling(MODES)(X, np.zeros_like(MASK)).numpy()
    assert not found.any()
    # A row may consist of its prompt only.
    found = Pooling(("max", "mean", "last"), 4)(X, MASK).numpy()
    assert found[0].all()
    assert not found[1:].any()


def test_long_rows_in_half_precision() -> None:
    # The weights of 600 positions sum to 180,300, beyond float16.
    layer = Pooling(("mean_sqrt_len", "weighted_mean"), dtype="float16")
    found = layer(np.full((1, 600, 2), 30.0), np.ones((1, 600), bool)).numpy()
    expected = [[30 * np.sqrt(600)] * 2 + [30.0] * 2]
    # float16 has steps of 0.5 at 735.
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modes": "first"}, "`modes` must be .*'cls'.*modes='first'"),
        ({"modes": ()}, r"`modes` must be .*modes=\(\)"),
        ({"modes": ("cls", "cls")}, "each once"),
        ({"num_skipped": -1}, "`num_skipped` must be"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pooling(**arguments)


def test_no_mask() -> None:
    with pytest.raises(ValueError, match="`padding_mask` is required"):
        Pooling()(X)
