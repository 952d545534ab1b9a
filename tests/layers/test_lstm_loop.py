"""The loop over steps, compared with Keras's loop and its gradients."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers
from keras_ctx.layers.recurrent.lstm_loop import lstm_loop

STEPS, ROWS, FEATURES, CELLS = 6, 3, 4, 5
# With or without projection, and with both clips in effect or none.
CASES = list(itertools.product((2, CELLS), (0.4, None), (True, False)))


def run(cell, x, keep_gates: bool):
    h, c = cell.get_initial_state(ROWS)
    recurrent, bias, projection = cell.loop_weights()
    return lstm_loop(
        cell.project_inputs(x),
        h,
        c,
        recurrent,
        bias,
        projection,
        (cell.cell_clip, cell.projection_clip),
        keep_gates,
    )


@pytest.mark.quick("2-None-*", "5-*")
@pytest.mark.parametrize("size, clip, keep_gates", CASES)
def test_outputs_and_gradients_are_those_of_step_after_step(
    size, clip, keep_gates
) -> None:
    generator = np.random.default_rng(1)
    x, seen = (
        tf.constant(generator.normal(size=(ROWS, STEPS, n)), tf.float32)
        for n in (FEATURES, size)
    )
    cell = layers.ProjectedLSTMCell(
        CELLS, size, cell_clip=clip, projection_clip=clip and clip / 2
    )
    cell.build((None, FEATURES))
    cell.set_weights([generator.normal(size=w.shape) for w in cell.weights])
    reference = keras.layers.RNN(cell, return_sequences=True)
    results = []
    for forward in (lambda: reference(x), lambda: run(cell, x, keep_gates)[0]):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = forward()
            loss = tf.reduce_sum(y * seen)
        of = [x, *(w.value for w in cell.trainable_weights)]
        results.append([y, *tape.gradient(loss, of)])
    for found, expected in zip(*results, strict=True):
        # Sums of 18 products of numbers up to 30.
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)
    if clip is not None:
        _, cs = run(cell, x, keep_gates)
        share = np.mean(np.abs(np.asarray(cs)) == np.float32(clip))
        assert 0.1 < share < 0.95, "the clip must bind, and not everywhere"
