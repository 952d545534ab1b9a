"""Negative sampling against NumPy, and its sparse gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers, models, training

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(3, 4)).astype("float32")
KERNEL = RANDOM.normal(size=(7, 4)).astype("float32")
TARGETS, NEGATIVES = np.array([2, 6, 2]), np.array([0, 2, 2, 5, 6])


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def made() -> layers.NegativeSampling:
    layer = layers.NegativeSampling(7, num_negatives=3)
    layer.build(VECTORS.shape)
    layer.kernel.assign(KERNEL)
    return layer


def test_losses_are_those_of_the_paper() -> None:
    expected = []
    for vector, target in zip(VECTORS, TARGETS, strict=True):
        right = -np.log(sigmoid(vector @ KERNEL[target]))
        wrong = [
            -np.log(sigmoid(-vector @ KERNEL[x]))
            for x in NEGATIVES
            if x != target
        ]
        expected.append(right + 3 / len(NEGATIVES) * sum(wrong))
    found = made()(VECTORS, TARGETS, NEGATIVES)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_sparse_gradients_are_the_dense_ones() -> None:
    gradients = []
    for sparse in (False, True):
        layer = made()
        layer.sparse_gradient = sparse
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(VECTORS, TARGETS, NEGATIVES))
        found = tape.gradient(loss, layer.kernel.value)
        assert isinstance(found, tf.IndexedSlices) == sparse
        gradients.append(tf.convert_to_tensor(found).numpy())
    np.testing.assert_allclose(gradients[1], gradients[0], atol=1e-6)
    assert np.abs(gradients[0]).max() > 0.1


@pytest.mark.parametrize("buckets", [0, 9])
def test_a_step_of_sgd_is_that_of_numpy(buckets: int) -> None:
    encoder = models.word_vector_encoder(7, 4, num_buckets=buckets)
    model = models.word_vector_trainer(encoder, num_negatives=2)
    for name in ("word_table", "negative_sampling"):
        model.get_layer(name).sparse_gradient = True
    sampling = model.get_layer("negative_sampling")
    sampling.kernel.assign(KERNEL)
    words = np.array([[4], [8], [4]])
    ids = np.array([3, 1])
    features = {
        "word_ids": words,
        "target_ids": TARGETS,
        "negative_ids": np.tile(ids, (3, 1)),
    }
    grams = np.zeros((3, 1, 2), int)
    if buckets:
        grams = np.array([[[1, 9]], [[3, 0]], [[1, 9]]])
        features["subword_ids"] = grams
    table = encoder.get_layer("word_table")
    own = np.array(table.words.embeddings)
    others = np.zeros((10, 4)) if not buckets else None
    if others is None:
        others = np.array(table.subwords.embeddings)
    kernel = KERNEL.astype("float64")
    d_own, d_others, d_kernel = own * 0.0, others * 0.0, kernel * 0
    for word, gram, target in zip(
        words[:, 0], grams[:, 0], TARGETS, strict=True
    ):
        gram = gram[gram > 0]
        vector = (own[word] + others[gram].sum(0)) / (1 + len(gram))
        d_vector = 0
        for row, y, weight in [
            (target, 1, 1.0),
            *((x, 0, 1.0) for x in ids if x != target),
        ]:
            error = weight * (sigmoid(vector @ kernel[row]) - y)
            d_kernel[row] += error * vector
            d_vector = d_vector + error * kernel[row]
        d_own[word] += d_vector / (1 + len(gram))
        for x in gram:
            d_others[x] += d_vector / (1 + len(gram))
    model.compile(
        keras.optimizers.SGD(0.3),
        loss={"negative_log_likelihood": training.LogLikelihoodLoss()},
        jit_compile=False,
    )
    zeros = {"negative_log_likelihood": np.zeros(3, "float32")}
    model.train_on_batch(features, zeros)
    np.testing.assert_allclose(
        table.words.embeddings, own - 0.3 * d_own, atol=1e-6
    )
    np.testing.assert_allclose(
        sampling.kernel, kernel - 0.3 * d_kernel, atol=1e-5
    )
    if buckets:
        np.testing.assert_allclose(
            table.subwords.embeddings, others - 0.3 * d_others, atol=1e-6
        )
