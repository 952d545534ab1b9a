"""A complete train step gives the same results with and without XLA."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from pretraining import PRETRAINING, first
from train_on_devices import fit


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "stream", "elmo"])
def test_compiled_steps_equal_uncompiled_ones(name: str) -> None:
    make_model, make_batches = PRETRAINING[name]
    batches = first(make_batches(), 10)
    found = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(3)
        model = make_model(jit_compile=jit_compile)
        before = [x.numpy() for x in model.trainable_variables]
        losses = fit(model, tf.data.Dataset.from_tensor_slices(batches))
        # Keras could have turned it off.
        assert model.jit_compile == jit_compile
        moves = [
            np.abs(x.numpy() - old).max()
            for old, x in zip(before, model.trainable_variables, strict=True)
        ]
        assert np.median(moves) > 1e-3
        # Including the states of the biLM and the optimizer.
        variables = model.variables + model.optimizer.variables
        found.append((losses, [(x.path, x.numpy()) for x in variables]))
    (expected, weights), (compiled, compiled_weights) = found
    assert len(expected) == 10 and np.ptp(expected) > 0.05
    np.testing.assert_allclose(compiled, expected, rtol=0, atol=1e-5)
    for (path, weight), (_, other) in zip(
        weights, compiled_weights, strict=True
    ):
        np.testing.assert_allclose(
            other, weight, rtol=0, atol=1e-5, err_msg=path
        )
