"""Why the library has its own look-up of tables: Adam and repeated ids.

The first step of Adam is the learning rate times the sign of the gradient,
independent of its size: m / sqrt(v) = g / sqrt(g^2). Keras squares the
gradients of an `Embedding` per occurrence: for n equal gradients the step is n
g / sqrt(n g^2), too large by the root of n.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers
from keras_ctx.layers.base.embedding_lookup import (
    first_rows,
    lookup,
    lookup_in_few,
)

IDS = np.array([[1, 2, 1, 1, 1]])
RATE = 0.1


def adam_step(weights: list, loss) -> list[np.ndarray]:
    """Returns the changes of the weights in one step of Adam."""
    before = [np.array(weight) for weight in weights]
    with tf.GradientTape() as tape:
        value = loss()
    optimizer = keras.optimizers.Adam(RATE, epsilon=1e-12)
    gradients = tape.gradient(value, [weight.value for weight in weights])
    optimizer.build(weights)
    optimizer.apply(gradients, weights)
    return [np.array(w) - x for w, x in zip(weights, before, strict=True)]


def embedding() -> keras.layers.Embedding:
    table = keras.layers.Embedding(4, 2)
    table.build()
    return table


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


# The gradient at each of the five tokens. Id 1 gets 1 + 2 - 4 + 5 = 4 and
# four times -3; id 2 gets -7 and 7.
GRADIENTS = np.array([[[1, -3], [-7, 7], [2, -3], [-4, -3], [5, -3]]], "f")


def test_our_lookup_sums_then_squares() -> None:
    table = embedding()
    [step] = adam_step(
        [table.embeddings],
        lambda: tf.reduce_sum(lookup(table, IDS) * GRADIENTS),
    )
    assert_close(step, [[0, 0], [-0.1, 0.1], [0.1, -0.1], [0, 0]])


def test_keras_squares_then_sums() -> None:
    table = embedding()
    [step] = adam_step(
        [table.embeddings], lambda: tf.reduce_sum(table(IDS) * GRADIENTS)
    )
    # 4 / sqrt(1 + 4 + 16 + 25), and 12 / sqrt(4 * 9) = 2.
    wrong = [[0, 0], [-0.4 / 46**0.5, 0.2], [0.1, -0.1], [0, 0]]
    np.testing.assert_allclose(
        step,
        wrong,
        rtol=0,
        atol=1e-5,
        err_msg="Keras no longer squares sparse gradients entry by entry: "
        "`with_dense_gradient` can go, and `lookup` needs only its NaN.",
    )


def test_step_of_the_layers_with_tables_is_the_rate_everywhere() -> None:
    """With repeated ids and gradients of any size, all numbers in the rows that
    a batch reads move by the learning rate."""
    embed = layers.TokenAndSegmentEmbedding(4, 3, max_length=9)
    chars = layers.CharCNNHighway([(1, 3)], 3, 2, 1, vocabulary_size=4)
    softmax = layers.SampledSoftmax(4)
    for layer, shape in (
        (embed, (None, None)),
        (chars, (None, None, 1)),
        (softmax, (None, None, 3)),
    ):
        layer.build(shape)
    chars.convolutions[0].bias.assign(np.ones(3))  # relu lets all pass
    factors = np.random.default_rng(8).normal(size=(1, 5, 3)).astype("f")

    def loss():
        return (
            tf.reduce_sum(embed(IDS) * factors)
            + tf.reduce_sum(chars(IDS[..., None]) * factors)
            + tf.reduce_sum(
                softmax(factors, IDS, np.array([1, 3]), training=True)
            )
        )

    tokens, segments, positions, characters, kernel, bias = adam_step(
        [
            embed.token_embedding.embeddings,
            embed.segment_embedding.embeddings,
            embed.position_embedding.embeddings,
            chars.char_embedding.embeddings,
            softmax.kernel,
            softmax.bias,
        ],
        loss,
    )
    for table, read in (
        (tokens, [1, 2]),
        (segments, [0]),
        (positions, [0, 1, 2, 3, 4]),
        (characters, [1, 2]),
        (kernel, [1, 2, 3]),
        (bias[:, None], [1, 2, 3]),
    ):
        steps = np.abs(table)
        assert_close(steps[read], np.full_like(steps[read], RATE))
        assert_close(np.delete(steps, read, axis=0), 0)


def test_first_rows() -> None:
    table = embedding()
    [step] = adam_step(
        [table.embeddings],
        lambda: tf.reduce_sum(first_rows(table, 2) * [[3.0, -1], [5, 2]]),
    )
    assert_close(first_rows(table, 3), table.get_weights()[0][:3])
    assert_close(step, [[-0.1, 0.1], [-0.1, -0.1], [0, 0], [0, 0]])


@pytest.mark.parametrize("rows", [1, 2, 4, 5])
def test_look_up_in_few_rows(rows: int) -> None:
    """With few or many rows, it reads them, sums gradients, checks ids."""
    table = keras.layers.Embedding(rows, 2)
    table.build()
    ids = np.array([[0, rows - 1, 0, rows - 1, 0]])
    weight = table.embeddings.value
    with tf.GradientTape() as tape:
        found = lookup_in_few(table, ids)
        loss = tf.reduce_sum(found * GRADIENTS)
    expected = np.zeros((rows, 2))
    np.add.at(expected, ids, GRADIENTS)
    assert_close(found, table.get_weights()[0][ids])
    assert_close(tape.gradient(loss, weight), expected)
    unknown = np.isnan(lookup_in_few(table, np.array([[-1, 0, rows]])))
    assert unknown.all(-1).tolist() == [[True, False, True]]


@pytest.mark.parametrize("function", [lookup, lookup_in_few])
def test_a_mixed_policy_sums_a_gradient_in_float32(function) -> None:
    """In bfloat16, whose numbers have 8 bits, 256 + 1 is 256."""

    class Vectors(keras.layers.Layer):
        def build(self, shape):
            self.table = keras.layers.Embedding(3, 2, dtype=self.dtype_policy)
            self.table.build()

        def call(self, ids):
            return function(self.table, ids)

    layer = Vectors(dtype="mixed_bfloat16")
    ids = np.full((1, 1000), 1)
    layer.build(ids.shape)
    with tf.GradientTape() as tape:
        vectors = layer(ids)
        loss = tf.reduce_sum(tf.cast(vectors, "float32"))
    assert vectors.dtype == "bfloat16"
    gradient = tape.gradient(loss, layer.table.embeddings.value)
    np.testing.assert_array_equal(
        tf.convert_to_tensor(gradient), [[0, 0], [1000, 1000], [0, 0]]
    )
