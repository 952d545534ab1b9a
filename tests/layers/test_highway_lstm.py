"""The highway LSTM, beside a reading of He et al. 2017 with NumPy."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers
from keras_ctx.layers.outputs.tag_paths import best_allowed_tags, penalties

LENGTHS = np.array([6, 3, 1])
MASK = np.arange(6) < LENGTHS[:, None]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def by_hand(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Reads a row `(T, D)` from its first to its last token."""
    w, u, b = (x.astype("float64") for x in weights)
    size = len(u)
    h, c, found = np.zeros(size), np.zeros(size), []
    for token in x.astype("float64"):
        z = token @ w + b
        z[: 5 * size] += h @ u
        i, f, j, o, t, k = np.split(z, 6)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(j)
        t = sigmoid(t)
        h = t * sigmoid(o) * np.tanh(c) + (1 - t) * k
        found.append(h)
    return np.array(found)


def stack(num_layers: int, size: int, **options: Any) -> list:
    return [
        layers.HighwayLSTM(size, reverse=k % 2 == 1, **options)
        for k in range(num_layers)
    ]


@pytest.mark.parametrize(
    ("num_layers", "size"),
    [(2, 4), pytest.param(8, 300, marks=pytest.mark.slow)],
)
def test_a_stack_in_alternating_directions(num_layers: int, size: int) -> None:
    keras.utils.set_random_seed(1)
    x = np.random.default_rng(0).normal(size=(3, 6, 5)).astype("float32")
    y: Any = x
    made = stack(num_layers, size)
    for layer in made:
        y = layer(y, padding_mask=MASK)
    for row, length in enumerate(LENGTHS):
        expected = x[row, :length]
        for layer in made:
            step = -1 if layer.reverse else 1
            expected = by_hand(expected[::step], layer.get_weights())[::step]
        np.testing.assert_allclose(y[row, :length], expected, atol=1e-5)
        np.testing.assert_array_equal(y[row, length:], 0)


def test_gradient_is_that_of_differences() -> None:
    keras.utils.set_random_seed(2)
    x = tf.constant(np.random.default_rng(1).normal(size=(3, 6, 5)), "float64")
    layer = layers.HighwayLSTM(4, reverse=True, dtype="float64")
    layer.build(x.shape)
    given = [tf.convert_to_tensor(w) for w in layer.get_weights()]

    def loss(*weights):
        for variable, value in zip(layer.weights, weights, strict=False):
            variable.assign(value)
        return float(tf.reduce_sum(layer(x, padding_mask=MASK) ** 2))

    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(x, padding_mask=MASK) ** 2)
    found = tape.gradient(value, layer.trainable_variables)
    draw = np.random.default_rng(3)
    for k, gradient in enumerate(found):
        direction = draw.normal(size=gradient.shape)
        near = [
            [
                w + sign * 1e-6 * direction if n == k else w
                for n, w in enumerate(given)
            ]
            for sign in (1, -1)
        ]
        slope = (loss(*near[0]) - loss(*near[1])) / 2e-6
        expected = float((np.asarray(gradient) * direction).sum())
        assert slope == pytest.approx(expected, rel=1e-6)


def test_one_mask_a_row_that_is_passed_on_and_read() -> None:
    keras.utils.set_random_seed(3)
    x = np.random.default_rng(0).normal(size=(3, 6, 5)).astype("float32")
    layer = layers.HighwayLSTM(400, recurrent_dropout=0.25)
    y = np.asarray(layer(x, training=True))
    dropped = y == 0
    assert (dropped == dropped[:, :1]).all()
    assert (dropped[0] != dropped[1]).any()
    # 1,200 draws: 5 standard deviations are 0.0625.
    assert abs(dropped[:, 0].mean() - 0.25) < 0.0625
    # By hand with the same masks.
    weights = [w.astype("float64") for w in layer.get_weights()]
    kept = np.where(dropped[0, 0], 0, 1 / 0.75)
    w, u, b = weights
    h, c = np.zeros(400), np.zeros(400)
    for token, found in zip(x[0].astype("float64"), y[0], strict=True):
        z = token @ w + b
        z[:2000] += h @ u
        i, f, j, o, t, k = np.split(z, 6)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(j)
        t = sigmoid(t)
        h = (t * sigmoid(o) * np.tanh(c) + (1 - t) * k) * kept
        np.testing.assert_allclose(found, h, atol=1e-5)
    layer.trainable = False
    np.testing.assert_array_equal(
        layer(x, training=True), layer(x, training=False)
    )


def test_weights_at_the_start() -> None:
    layer = layers.HighwayLSTM(8)
    layer.build((None, None, 8))
    kernel, recurrent, bias = layer.get_weights()
    for block in (*np.split(kernel, 6, 1), *np.split(recurrent, 5, 1)):
        np.testing.assert_allclose(block @ block.T, np.eye(8), atol=1e-5)
    assert bias.tolist() == [0] * 8 + [1] * 8 + [0] * 32


def test_refused() -> None:
    with pytest.raises(ValueError, match="`hidden_dim` must be at least 1"):
        layers.HighwayLSTM(0)
    with pytest.raises(ValueError, match="`recurrent_dropout`"):
        layers.HighwayLSTM(2, 1.0)


def test_best_allowed_tags_beside_all_paths() -> None:
    """Of three tags, 2 may only follow 1 or 2."""
    draw = np.random.default_rng(0)
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
    pairs += [(3, 0), (3, 1), (0, 4), (1, 4), (2, 4)]
    scores = 3 * draw.normal(size=(5, 4, 3)).astype("float32")
    mask = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]])
    mask = np.array([*mask, [0, 0, 0, 1]], bool)
    found = np.asarray(best_allowed_tags(scores, mask, penalties(pairs, 3)))
    for row in range(5):
        places = np.flatnonzero(mask[row])
        paths = [
            (
                sum(
                    scores[row, p, t] for p, t in zip(places, path, strict=True)
                ),
                path,
            )
            for path in np.ndindex(*[3] * len(places))
            if all(x in pairs for x in itertools.pairwise([3, *path, 4]))
            or not len(places)
        ]
        assert tuple(found[row, places]) == max(paths)[1]
        assert (found[row, ~mask[row]] == -1).all()
