"""The full and the sampled loss over a vocabulary."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.layers import SampledSoftmax
from keras_ctx.layers.outputs.sampled_softmax import expected_tries

V, D = 40, 5
RANDOM = np.random.default_rng(4)
INPUTS = RANDOM.normal(size=(2, 3, D)).astype("float32")
TARGETS = np.array([[0, 7, 39], [7, 12, 3]])
NEGATIVES = np.array([5, 0, 12, 31, 1, 2], "int32")  # with two of the targets


def layer_of(vocabulary_size: int = V) -> SampledSoftmax:
    layer = SampledSoftmax(vocabulary_size)
    layer.build(INPUTS.shape)
    generator = np.random.default_rng(5)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.weights])
    return layer


def likelihoods_by_hand(layer: SampledSoftmax, targets=TARGETS) -> np.ndarray:
    kernel, bias = layer.get_weights()
    logits = INPUTS @ kernel.T + bias
    log_sums = np.log(np.exp(logits).sum(axis=-1))
    chosen = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return log_sums - chosen


def log_uniform(vocabulary_size: int) -> np.ndarray:
    ids = np.arange(vocabulary_size)
    return np.log((ids + 2) / (ids + 1)) / np.log(vocabulary_size + 1)


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_full_softmax() -> None:
    layer = layer_of()
    assert_close(layer(INPUTS, TARGETS), likelihoods_by_hand(layer))


def test_negatives_count_in_training_only() -> None:
    layer = layer_of()
    evaluated = layer(INPUTS, TARGETS, NEGATIVES, training=False)
    assert_close(evaluated, likelihoods_by_hand(layer))
    sampled = layer(INPUTS, TARGETS, NEGATIVES, training=True)
    assert np.abs(sampled - evaluated).max() > 0.1
    without = layer(INPUTS, TARGETS, training=True)
    assert_close(without, likelihoods_by_hand(layer))


def test_sampled_softmax_is_that_of_tensorflow() -> None:
    layer = layer_of()
    kernel, bias = layer.get_weights()
    tries = expected_tries(len(NEGATIVES), V)
    counts = 1 - (1 - log_uniform(V)) ** tries
    expected = tf.nn.sampled_softmax_loss(
        weights=kernel,
        biases=bias,
        labels=TARGETS.reshape(-1, 1),
        inputs=INPUTS.reshape(-1, D),
        num_sampled=len(NEGATIVES),
        num_classes=V,
        sampled_values=(
            NEGATIVES.astype("int64"),
            tf.constant(counts[TARGETS].reshape(-1, 1), tf.float32),
            tf.constant(counts[NEGATIVES], tf.float32),
        ),
    )
    found = layer(INPUTS, TARGETS, NEGATIVES, training=True)
    assert_close(found, np.reshape(expected, TARGETS.shape))


def test_all_words_as_negatives_are_the_full_softmax() -> None:
    # Each is expected once, and the duplicate of the target is left out.
    layer = layer_of(8)
    targets = TARGETS % 8
    everything = np.arange(8, dtype="int32")
    found = layer(INPUTS, targets, everything, training=True)
    assert_close(found, likelihoods_by_hand(layer, targets))


def test_expected_tries_by_hand() -> None:
    # One draw always yields one word.
    assert expected_tries(1, 2) == pytest.approx(1, abs=1e-9)
    assert expected_tries(1, 793_471) == pytest.approx(1, abs=1e-9)
    # Two of three words, in expectation.
    t = expected_tries(2, 3)
    p = [math.log(each) / math.log(4) for each in (2, 3 / 2, 4 / 3)]
    assert sum((1 - each) ** t for each in p) == pytest.approx(1, abs=1e-9)


def test_expected_tries_by_simulation() -> None:
    tries = expected_tries(20, V)
    draws = np.random.default_rng(6).choice(
        V, size=(4000, round(tries)), p=log_uniform(V)
    )
    distinct = np.mean([len(set(row)) for row in draws.tolist()])
    # Half a draw from rounding, and a standard error of 0.03.
    assert distinct == pytest.approx(20, abs=0.35)
    assert 20 < tries < 100


@pytest.mark.parametrize("size", [0, -5, 2.5, "40", None])
def test_error(size) -> None:
    message = f"`vocabulary_size` must be .* vocabulary_size={size!r}"
    with pytest.raises(ValueError, match=message):
        SampledSoftmax(size)
