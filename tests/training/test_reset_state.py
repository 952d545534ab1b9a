"""Resetting carried state at regular steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers
from keras_ctx.training import ResetState, read_metrics, run_callbacks

WINDOWS = np.random.default_rng(0).normal(size=(5, 2, 3, 4)).astype("float32")


def reader() -> tuple[keras.Model, layers.BiLM]:
    """Returns a model with learning rate 0, so that weights stay."""
    keras.utils.set_random_seed(1)
    bilm = layers.BiLM(6, 4, num_layers=1, stateful=True, max_batch_size=2)
    x = keras.Input((None, 4))
    model = keras.Model(x, bilm(x))
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=False)
    return model, bilm


def states(bilm: layers.BiLM) -> list[np.ndarray]:
    return [np.asarray(part) for state in bilm.states for part in state]


@pytest.mark.quick("3-2")
@pytest.mark.parametrize(
    "steps, read",
    [(2, 1), (3, 2), pytest.param(9, 5, marks=pytest.mark.slow)],
)
def test_state_is_that_of_the_windows_since_the_last_reset(steps, read) -> None:
    model, bilm = reader()
    targets = np.zeros((5, 2, 3, 8), "float32")
    windows = tf.data.Dataset.from_tensor_slices((WINDOWS, targets))
    callbacks = [ResetState(bilm, steps)]
    model.fit(windows, shuffle=False, callbacks=callbacks, verbose=0)
    _, expected = reader()
    for window in WINDOWS[5 - read :]:
        expected(window)
    for one, other in zip(states(bilm), states(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
        assert np.abs(one).max() > 0.01


@pytest.mark.slow
def test_a_strategy_may_mirror_the_counter(tmp_path) -> None:
    # A constant rate is also a variable.
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model, bilm = reader()
    targets = np.zeros((5, 2, 3, 8), "float32")
    windows = tf.data.Dataset.from_tensor_slices((WINDOWS, targets))
    callbacks = [ResetState(bilm, 9), *run_callbacks(tmp_path, 2)]
    model.fit(windows, shuffle=False, callbacks=callbacks, verbose=0)
    first, *_ = read_metrics(tmp_path)
    assert first["learning_rate"] == 0


def test_error() -> None:
    with pytest.raises(ValueError, match="`steps` must be .* steps=0"):
        ResetState(layers.BiLM(1, 1), 0)
