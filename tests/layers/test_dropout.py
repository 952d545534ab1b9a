"""Dropout: its rate, its mean, its seed, sizes of every kind."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.layers.base.dropout import drop

ONES: Any = np.ones((64, 50, 41), "float32")


def dropped(rate: float, x=ONES, dtype: str = "float32", seed: int = 1):
    layer = keras.layers.Dropout(rate, seed=seed, dtype=dtype)
    y = drop(layer, keras.ops.cast(x, dtype), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    return keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_and_scale(rate: float, dtype: str) -> None:
    found = dropped(rate, dtype=dtype)
    count = found.size
    # Five standard deviations of a binomial share.
    spread = 5 * np.sqrt(rate * (1 - rate) / count)
    assert abs((found == 0).mean() - rate) < spread
    kept = found[found != 0]
    # The rounded rate and the dtype of the numbers.
    epsilon = {"float32": 2e-4, "float16": 1e-3, "bfloat16": 8e-3}[dtype]
    np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=epsilon)
    assert len(set(kept.tolist())) == 1


def test_numbers_of_a_pair_are_dropped_independently() -> None:
    first, second = (
        dropped(0.5)[..., 0:40:2] == 0,
        dropped(0.5)[..., 1:40:2] == 0,
    )
    both = (first & second).mean()
    assert abs(both - 0.25) < 5 * np.sqrt(0.25 * 0.75 / first.size)


def test_the_seed_decides_and_each_call_draws_anew() -> None:
    np.testing.assert_array_equal(dropped(0.3), dropped(0.3))
    assert (dropped(0.3) != dropped(0.3, seed=2)).any()
    layer = keras.layers.Dropout(0.3, seed=1)
    one, two = (np.array(drop(layer, ONES, training=True)) for _ in range(2))
    assert (one != two).any()


def test_without_training_or_rate_nothing_changes() -> None:
    for rate, training in ((0.5, False), (0.5, None), (0.0, True)):
        layer = keras.layers.Dropout(rate)
        assert drop(layer, ONES, training) is ONES


def test_a_rate_near_0_still_drops_and_1_drops_all() -> None:
    assert (dropped(1.0) == 0).all()
    assert (dropped(1 - 1e-7) == 0).all()
    assert (dropped(1e-9) == 0).mean() < 1e-3


@pytest.mark.parametrize("shape", [(3, 1), (1, 5), (0, 4), (2, 0), (7,)])
def test_shapes(shape: tuple[int, ...]) -> None:
    assert dropped(0.5, np.ones(shape)).shape == shape


def test_sizes_that_are_known_only_when_it_runs() -> None:
    layer = keras.layers.Dropout(0.5, seed=1)
    spec = tf.TensorSpec([None, None], tf.float32)  # pyright: ignore

    @tf.function(input_signature=[spec])
    def call(x):
        return drop(layer, x, training=True)

    for shape in ((2, 3), (5, 8)):
        found = call(tf.ones(shape)).numpy()
        assert found.shape == shape
        assert set(found.ravel().tolist()) <= {0.0, 2.0}


def test_gradient_is_the_mask() -> None:
    layer = keras.layers.Dropout(0.5, seed=1)
    x = tf.constant(ONES)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = drop(layer, x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), y)
