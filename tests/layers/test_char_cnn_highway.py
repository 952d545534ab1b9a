"""The token layer on characters with one feature, to compute everything by
hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers
from keras_ctx.layers.characters import char_cnn_highway

TABLE = [[0.0], [1.0], [2.0], [-3.0], [4.0]]  # the vector of each character
WORD = [1, 2, 3, 4]
# Filters: 2 x + 0.5 over 1, 2, -3, 4 gives at most 8.5; the difference
# x[t] - x[t + 1] over the same gives -1, 5, -7, at most 5.
CONVOLUTIONS = [[[[2.0]]], [0.5], [[[1.0]], [[-1.0]]], [0.0]]


def layer_of(output_dim: int = 2, num_highways: int = 0, **arguments):
    layer = layers.CharCNNHighway(
        [(1, 1), (2, 1)], output_dim, 1, num_highways, 5, **arguments
    )
    layer.build((None, None, 4))
    layer.char_embedding.set_weights([np.array(TABLE)])
    for k, convolution in enumerate(layer.convolutions):
        convolution.set_weights(
            [np.array(w) for w in CONVOLUTIONS[2 * k : 2 * k + 2]]
        )
    return layer


def vector(layer, word: list[int]) -> np.ndarray:
    return np.asarray(layer(np.array([[word]])))[0, 0]


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_convolutions_are_maximized_over_all_positions() -> None:
    assert_close(vector(layer_of(), WORD), [8.5, 5.0])
    # Character 4 as padding: it counts like any other.
    assert_close(vector(layer_of(), [1, 1, 1, 4]), [8.5, 0.0])
    assert_close(vector(layer_of(), [1, 1, 1, 1]), [2.5, 0.0])


def test_activation_follows_the_maximum() -> None:
    # The maxima are -5.5 and 0.
    word = [3, 3, 3, 3]
    assert_close(vector(layer_of(), word), [0.0, 0.0])
    tanh = layer_of(activation="tanh")
    assert_close(vector(tanh, word), [math.tanh(-5.5), 0.0])
    assert_close(vector(tanh, [1, 1, 1, 2]), [math.tanh(4.5), 0.0])


def test_highway_gate_multiplies_the_transformed_branch() -> None:
    layer = layer_of(num_highways=1)
    # Both swapped, less 1 and 9, then relu: 5 - 1 = 4 and 8.5 - 9, cut to 0.
    layer.highway_transforms[0].set_weights(
        [np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([-1.0, -9.0])]
    )
    layer.highway_gates[0].set_weights(
        [np.zeros((2, 2)), np.array([math.log(3), -math.log(3)])]
    )  # gates of 3/4 and 1/4
    assert_close(
        vector(layer, WORD), [0.75 * 4 + 0.25 * 8.5, 0.25 * 0 + 0.75 * 5]
    )


def test_inner_activation_of_a_highway_is_always_relu() -> None:
    layer = layer_of(num_highways=1, activation="tanh")
    layer.highway_transforms[0].set_weights(
        [np.zeros((2, 2)), np.array([-2.0, 7.0])]
    )
    layer.highway_gates[0].set_weights([np.zeros((2, 2)), np.zeros(2)])
    x = np.tanh([8.5, 5.0])
    assert_close(vector(layer, WORD), (x + [0, 7]) / 2)


def test_highway_starts_with_its_gate_at_minus_2() -> None:
    for gate in layer_of(num_highways=2).highway_gates:
        np.testing.assert_array_equal(gate.get_weights()[1], [-2.0, -2.0])


def test_projection_is_there_only_where_sizes_differ() -> None:
    assert layer_of(output_dim=2).projection is None
    layer = layer_of(output_dim=1)
    assert layer.projection is not None
    layer.projection.set_weights([np.array([[1.0], [-2.0]]), np.array([0.25])])
    assert_close(vector(layer, WORD), [8.5 - 2 * 5 + 0.25])


def test_no_token_is_zeros_in_spite_of_biases() -> None:
    assert_close(vector(layer_of(), [0, 0, 0, 0]), [0.0, 0.0])
    # For comparison, the biases' vector, from a word whose last character is
    # real.
    assert_close(vector(layer_of(), [0, 0, 0, 3]), [0.5, 3.0])


ERRORS = {
    "`filters` must be a list of pairs.* filters=\\[]": {"filters": []},
    "`filters` must be a list of pairs.* filters=\\[3, 4]": {"filters": [3, 4]},
    "`filters` must be .* filters=\\[\\(1, 2, 3\\)]": {"filters": [(1, 2, 3)]},
    "`width` must be at least 1.* width=0": {"filters": [(1, 2), (0, 2)]},
    "`count` must be at least 1.* count=-1": {"filters": [(1, -1)]},
    "`output_dim` must be .* output_dim=0": {"output_dim": 0},
    "`char_dim` must be .* char_dim=0": {"char_dim": 0},
    "`num_highways` must be .* least 0.* num_highways=-1": {"num_highways": -1},
    "`num_highways` must be .* num_highways=1.5": {"num_highways": 1.5},
    "`vocabulary_size` must be .* vocabulary_size=0": {"vocabulary_size": 0},
    "`activation` must be one of 'relu', 'tanh'.*'gelu'": {
        "activation": "gelu"
    },
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(message: str) -> None:
    arguments = {"filters": [(1, 2)], "output_dim": 2, **ERRORS[message]}
    with pytest.raises(ValueError, match=message):
        layers.CharCNNHighway(**arguments)


def test_words_shorter_than_the_widest_filter() -> None:
    message = "`char_ids` must hold .* filter, 2. Received: 1. .*max_char"
    with pytest.raises(ValueError, match=message):
        layers.CharCNNHighway([(2, 3)], 2).build((None, None, 1))
    with pytest.raises(ValueError, match=message):
        layer_of()(np.array([[[1]]]))


PAD, UNKNOWN = 4, 9


def rows_of_words(count: int, longest: int, characters: int) -> np.ndarray:
    """Returns words of random characters 1 to 3, then padding."""
    generator = np.random.default_rng(count)
    ids = generator.integers(1, PAD, (count, characters))
    lengths = generator.integers(1, longest + 1, (count, 1))
    return np.where(np.arange(characters) < lengths, ids, PAD)


def wide_layer() -> layers.CharCNNHighway:
    layer = layers.CharCNNHighway([(1, 3), (3, 4)], 2, 2, 1, PAD + 1)
    layer.build((None, None, 20))
    return layer


def vectors_and_gradients(layer, ids, training: bool, jit_compile=False):
    """Returns results of one row; only XLA knows its length in advance."""
    shape = ids.shape if jit_compile else [None, ids.shape[-1]]
    signature = tf.TensorSpec(shape, tf.int32)  # pyright: ignore

    @tf.function(input_signature=[signature], jit_compile=jit_compile)
    def run(ids):
        with tf.GradientTape() as tape:
            y = layer(ids[None], training=training)[0]
            loss = tf.reduce_sum(tf.where(tf.math.is_nan(y), 0.0, y) ** 2)
        weights = [weight.value for weight in layer.trainable_weights]
        return y, tape.gradient(loss, weights)

    y, gradients = run(tf.constant(ids, tf.int32))
    return y.numpy(), [np.asarray(gradient) for gradient in gradients]


@pytest.mark.parametrize(
    "jit_compile", (False, pytest.param(True, marks=pytest.mark.slow))
)
def test_many_words_in_pieces_are_as_words_all_at_once(jit_compile) -> None:
    layer = wide_layer()
    # Three chunks, the last with one word less.
    count = 2 * char_cnn_highway.WORDS_AT_ONCE + 3
    ids = rows_of_words(count, longest=20, characters=20)
    ids[[5, count - 1]] = 0
    ids[[6, 700], [3, 19]] = UNKNOWN
    found, gradients = vectors_and_gradients(layer, ids, False, jit_compile)
    expected, of_all = vectors_and_gradients(layer, ids, True)
    assert_close(found, expected)
    assert_close(layer(ids[None])[0], expected)
    # Gradients are float32 sums over a thousand words, in another order.
    for each, of_each in zip(gradients, of_all, strict=True):
        np.testing.assert_allclose(each, of_each, rtol=1e-4, atol=1e-4)
    assert np.flatnonzero(np.isnan(found).all(1)).tolist() == [6, 700]
    assert np.flatnonzero((found == 0).all(1)).tolist() == [5, count - 1]


def test_graph_that_does_not_know_the_number_of_characters() -> None:
    layer = wide_layer()
    signature = tf.TensorSpec([None, None, None], tf.int32)  # pyright: ignore
    run = tf.function(layer, input_signature=[signature])
    ids = tf.constant([rows_of_words(9, longest=7, characters=20)], tf.int32)
    assert_close(run(ids), layer(ids))


@pytest.mark.quick("True-False")
@pytest.mark.parametrize(
    ("training", "jit_compile"),
    [
        (False, True),
        (True, False),
        pytest.param(True, True, marks=pytest.mark.slow),
        pytest.param(False, False, marks=pytest.mark.slow),
    ],
)
def test_short_words_are_as_beside_a_long_one(training, jit_compile) -> None:
    layer = wide_layer()
    # At most half of a row minus the widest filter, so half suffices.
    short = rows_of_words(9, longest=7, characters=20)
    long = np.full((1, 20), 2)
    found, of_short = vectors_and_gradients(layer, short, training, jit_compile)
    _, of_long = vectors_and_gradients(layer, long, True)
    expected, of_both = vectors_and_gradients(
        layer, np.concatenate([short, long]), True
    )
    assert_close(found, expected[:-1])
    for each, other, both in zip(of_short, of_long, of_both, strict=True):
        assert_close(each + other, both)
