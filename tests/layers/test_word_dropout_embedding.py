"""A table of tokens of which training drops whole tokens."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers

V, D = 400, 3
IDS = np.random.default_rng(0).integers(0, V, (20, 50)).astype("int32")


def built(**arguments) -> tuple[layers.WordDropoutEmbedding, np.ndarray]:
    layer = layers.WordDropoutEmbedding(V, D, **arguments)
    layer.build(IDS.shape)
    table = 1 + np.random.default_rng(1).random((V, D)).astype("float32")
    layer.set_weights([table])
    return layer, table


@pytest.mark.parametrize("jit", [False, True])
def test_a_dropped_word_is_dropped_everywhere_in_the_batch(jit: bool) -> None:
    keras.utils.set_random_seed(3)
    layer, table = built(word_dropout=0.2)
    run = tf.function(lambda: layer(IDS, training=True), jit_compile=jit)
    seen = np.unique(IDS)
    found = []
    for _ in range(2):
        x = run().numpy()
        dropped = {word: (x[IDS == word] == 0) for word in seen}
        assert all(each.all() == each.any() for each in dropped.values())
        gone = np.array([each.all() for each in dropped.values()])
        assert abs(gone.mean() - 0.2) < 0.09  # of 370: 4 deviations
        for word in seen[~gone]:
            wanted = np.broadcast_to(table[word] / 0.8, x[IDS == word].shape)
            np.testing.assert_allclose(x[IDS == word], wanted, rtol=1e-5)
        found.append(gone)
    assert (found[0] != found[1]).any()


def test_nothing_is_dropped_in_the_output_table() -> None:
    layer, table = built(word_dropout=0.5)
    x = np.eye(D, dtype="float32")[None]
    logits = layer(x, reverse=True, training=True)
    np.testing.assert_array_equal(logits[0], table.T)
    assert logits.shape == (1, D, V)


def test_nothing_is_dropped_in_evaluation_or_frozen() -> None:
    layer, table = built(word_dropout=0.5)
    np.testing.assert_array_equal(layer(IDS), table[IDS])
    layer.trainable = False
    np.testing.assert_array_equal(layer(IDS, training=True), table[IDS])


def test_gradient_of_a_dropped_word_is_zero() -> None:
    layer, _ = built(word_dropout=0.5)
    with tf.GradientTape() as tape:
        x = layer(IDS, training=True)
        loss = tf.reduce_sum(x)
    found = tape.gradient(loss, layer.trainable_weights[0].value).numpy()
    counts = np.bincount(IDS.ravel(), minlength=V)
    gone = np.array([(x.numpy()[IDS == k] == 0).all() for k in range(V)])
    expected = np.where(gone, 0, 2 * counts)
    np.testing.assert_allclose(found, np.repeat(expected[:, None], D, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 0}, "`vocabulary_size` must be at least 1"),
        ({"word_dropout": -0.1}, "`word_dropout` must be a rate"),
        ({"uniform_bound": 0}, "`uniform_bound` must be a number above 0"),
    ],
)
def test_error_of_an_argument(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layers.WordDropoutEmbedding(
            **{"vocabulary_size": 2, "hidden_dim": 2, **arguments}
        )


def test_error_of_vectors_of_another_size() -> None:
    layer, _ = built()
    with pytest.raises(ValueError, match="must have 3 features"):
        layer(np.ones((1, 2, D + 1), "float32"), reverse=True)
