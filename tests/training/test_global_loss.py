"""On one device, a loss over all devices is the loss itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ctx.layers import CRF
from keras_ctx.training import CRFLoss
from keras_ctx.training.objectives.global_loss import (
    GlobalLoss,
    over_all_devices,
)

LOGITS = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 5, (3, 4))
MASK = np.arange(4) < np.array([[4], [2], [1]])
WEIGHTS = np.array([[2.0, 0.5, 0, 1], [1, 3, 5, 0], [0, 1, 1, 1]], "float32")
CrossEntropy = keras.losses.SparseCategoricalCrossentropy


def value_and_gradient(loss, y_true, y_pred, weights, masked: bool):
    x = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        y = ops.convert_to_tensor(x)
        if masked:
            y._keras_mask = ops.convert_to_tensor(MASK)
        value = loss(y_true, y, weights)
    return float(value), np.asarray(tape.gradient(value, x))


def assert_alike(loss, y_true, y_pred, weights=None, masked=False) -> None:
    one, other = (
        value_and_gradient(each, y_true, y_pred, weights, masked)
        for each in (loss, GlobalLoss(loss))
    )
    assert other[0] == pytest.approx(one[0], rel=1e-6)
    np.testing.assert_allclose(other[1], one[1], rtol=0, atol=1e-7)
    assert abs(np.asarray(one[1])).max() > 1e-3


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS[:, :1]])
@pytest.mark.parametrize(
    "reduction",
    ["sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"],
)
def test_every_reduction(reduction: str, weights, masked: bool) -> None:
    loss = CrossEntropy(from_logits=True, reduction=reduction)
    assert_alike(loss, LABELS, LOGITS, weights, masked)


def test_weights_of_rows() -> None:
    loss = CrossEntropy(from_logits=True)
    weights = np.array([1.0, 0.0, 3.0], "float32")
    assert_alike(loss, LABELS[:, 0], LOGITS[:, 0], weights)


def test_an_ignored_class() -> None:
    loss = CrossEntropy(from_logits=True, ignore_class=2)
    assert (LABELS == 2).any()
    assert_alike(loss, LABELS, LOGITS)


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size"])
def test_a_loss_with_a_call_of_its_own(reduction: str) -> None:
    logits = CRF(5)(LOGITS)["logits"].numpy()
    loss = CRFLoss(reduction=reduction)
    assert_alike(loss, LABELS, logits, WEIGHTS)


def test_names_and_functions() -> None:
    def absolute(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    losses = over_all_devices(["mse", absolute, None, {"a": CrossEntropy()}])
    names = [None if x is None else x.name for x in keras.tree.flatten(losses)]
    assert names == ["mse", "absolute", None, "sparse_categorical_crossentropy"]
    x = np.array([[1.0, 2.0], [3.0, 5.0]], "float32")
    assert float(losses[0](0 * x, x)) == (1 + 4 + 9 + 25) / 4
    assert float(losses[1](0 * x, x)) == (1 + 2 + 3 + 5) / 4


def test_refused() -> None:
    with pytest.raises(ValueError, match="`reduction` of a loss.*None"):
        GlobalLoss(keras.losses.MeanSquaredError(reduction=None))
    with pytest.raises(ValueError, match="be a specific one.*'crossentropy'"):
        over_all_devices({"logits": "crossentropy"})
    loss = over_all_devices(lambda y_true, y_pred: ops.mean(y_pred))
    with pytest.raises(ValueError, match="one number per row"):
        loss(LOGITS, LOGITS)
