"""Dropout of features along whole rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers


@pytest.mark.parametrize("jit", [False, True])
def test_a_mask_is_constant_over_time_and_other_for_each_row(jit) -> None:
    keras.utils.set_random_seed(3)
    layer = layers.LockedDropout(0.25)
    x = np.ones((40, 6, 50), "float32")
    run = tf.function(lambda: layer(x, training=True), jit_compile=jit)
    first, second = run().numpy(), run().numpy()
    for y in (first, second):
        np.testing.assert_array_equal(y, np.repeat(y[:, :1], 6, axis=1))
        np.testing.assert_allclose(np.unique(y), [0, 4 / 3], rtol=1e-6)
        # Of 2,000: 4 deviations.
        assert abs((y[:, 0] == 0).mean() - 0.25) < 0.04
        assert not (y[0] == y[1]).all() and not (y[..., 0] == y[..., 1]).all()
    assert (first != second).any()


def test_it_changes_nothing_in_evaluation_or_frozen() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    layer = layers.LockedDropout(0.5)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(
        layers.LockedDropout(0.0)(x, training=True), x
    )
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, training=True), x)


def test_rate_out_of_range() -> None:
    with pytest.raises(ValueError, match="`rate` must be a rate"):
        layers.LockedDropout(1.0)
    with pytest.raises(ValueError, match="`inputs` must have 3 axes"):
        layers.LockedDropout(0.5)(keras.ops.ones((2, 3)))
