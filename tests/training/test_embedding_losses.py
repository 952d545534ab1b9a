"""The losses of embedders beside loops in NumPy that follow their papers."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.training import (
    CoSENTLoss,
    CosineSimilarityLoss,
    InBatchNegativesLoss,
    TripletLoss,
    embedding_loss,
)
from keras_ctx.training.objectives.global_loss import GlobalLoss

RANDOM = np.random.default_rng(4)
VECTORS = RANDOM.normal(size=(5, 4, 6)).astype("float32")
# Row 1 repeats the first text of row 0; row 2's second text is row 3's; row 4
# asks what is row 0's second text; a negative of row 3 is row 2's first text.
IDS = np.array(
    [
        [0, 1, 2, 3],
        [0, 4, 5, 6],
        [7, 8, 9, 10],
        [11, 8, 7, 12],
        [1, 13, 14, 15],
    ]
)
SCORES = np.array([0.2, 0.9, 0.5, 0.5, 0.0], "float32")


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x.astype("float64"), y.astype("float64")
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


def value_and_gradient(loss, y_true, y_pred) -> tuple[float, np.ndarray]:
    x: Any = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        value = loss(y_true, x)
    return float(value), np.asarray(tape.gradient(value, x))


def nats(row: int, asking: int, answers: list, scale: float) -> float:
    """Cross entropy of a row's answer among (row, column) of others."""
    ids, own = IDS, (row, 1 - asking)
    total = 0.0
    for other, column in answers:
        same_question = (
            column == 1 - asking and ids[other, asking] == ids[row, asking]
        )
        is_right = ids[other, column] in (ids[row, 0], ids[row, 1])
        if (other, column) != own and (same_question or is_right):
            continue
        vectors = VECTORS[row, asking], VECTORS[other, column]
        total += np.exp(scale * cosine(*vectors))
    right = scale * cosine(VECTORS[row, 0], VECTORS[row, 1])
    return np.log(total) - right


@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize("symmetric", [False, True])
def test_in_batch_negatives(columns: int, symmetric: bool) -> None:
    answers = [(k, c) for c in range(1, columns) for k in range(5)]
    back = [(k, 0) for k in range(5)]
    expected = [nats(row, 0, answers, 7.0) for row in range(5)]
    if symmetric:
        backward = [nats(row, 1, back, 7.0) for row in range(5)]
        expected = np.mean([expected, backward], axis=0)
    loss = InBatchNegativesLoss(7.0, symmetric, reduction=None)
    found = loss(IDS[:, :columns], VECTORS[:, :columns])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    # The witness leaves some out: it is not the plain cross entropy.
    plain = loss(np.arange(5 * columns).reshape(5, -1), VECTORS[:, :columns])
    assert np.all(plain[:4] > np.asarray(found)[:4] + 1e-4)


def test_in_batch_negatives_are_a_softmax() -> None:
    """Without equal texts: Keras's own loss of the cosines."""
    x = VECTORS[:, :2] / np.linalg.norm(VECTORS[:, :2], axis=-1, keepdims=True)
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(
        np.arange(5), 20 * x[:, 0] @ x[:, 1].T
    )
    found = InBatchNegativesLoss()(np.arange(10).reshape(5, 2), VECTORS[:, :2])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_triplets(distance: str) -> None:
    def far(x, y) -> float:
        if distance == "cosine":
            return 1 - cosine(x, y)
        return float(np.linalg.norm(x.astype("float64") - y))

    expected = [
        np.mean([max(0, far(x, y) - far(x, z) + 0.3) for z in others])
        for x, y, *others in VECTORS
    ]
    found = TripletLoss(0.3, distance, reduction=None)(IDS, VECTORS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_equal_vectors_have_a_finite_gradient() -> None:
    for loss in (TripletLoss(), TripletLoss(distance="cosine")):
        value, gradient = value_and_gradient(
            loss, np.zeros((1, 3)), np.ones((1, 3, 2), "float32")
        )
        assert value == pytest.approx(1.0)
        assert np.isfinite(gradient).all()


def test_scored_pairs() -> None:
    pairs = VECTORS[:, :2]
    cosines = [cosine(x, y) for x, y in pairs]
    found = CosineSimilarityLoss(reduction=None)(SCORES, pairs)
    expected = [(x - y) ** 2 for x, y in zip(cosines, SCORES, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    total = 1.0
    for i in range(5):
        for j in range(5):
            if SCORES[i] > SCORES[j]:
                total += np.exp(20 * (cosines[j] - cosines[i]))
    found = CoSENTLoss()(SCORES, pairs)
    np.testing.assert_allclose(found, np.log(total), rtol=1e-5)


@pytest.mark.parametrize(
    ("loss", "targets", "columns"),
    [
        (InBatchNegativesLoss(symmetric=True), IDS, 4),
        (TripletLoss(), IDS, 4),
        (CosineSimilarityLoss(), SCORES, 2),
        (CoSENTLoss(), SCORES, 2),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_saved_and_over_devices(loss, targets, columns: int) -> None:
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    if columns > 2:
        targets = targets[:, :columns]
    found = [
        value_and_gradient(each, targets, VECTORS[:, :columns])
        for each in (loss, again, GlobalLoss(loss))
    ]
    for value, gradient in found[1:]:
        assert value == pytest.approx(found[0][0], rel=1e-6)
        np.testing.assert_allclose(gradient, found[0][1], rtol=0, atol=1e-6)
    assert np.abs(found[0][1]).max() > 1e-3


def test_refusals() -> None:
    with pytest.raises(ValueError, match="two rows: with a single pair"):
        InBatchNegativesLoss()(IDS[:1, :2], VECTORS[:1, :2])
    # A hard negative is enough.
    InBatchNegativesLoss()(IDS[:1], VECTORS[:1])
    with pytest.raises(ValueError, match="the order of a single pair"):
        CoSENTLoss()(SCORES[:1], VECTORS[:1, :2])
    with pytest.raises(ValueError, match="of at least 3 texts a row"):
        TripletLoss()(IDS[:, :2], VECTORS[:, :2])
    with pytest.raises(ValueError, match="of 2 texts a row"):
        CosineSimilarityLoss()(SCORES, VECTORS)
    for scale in (0.0, float("nan")):
        with pytest.raises(ValueError, match="`scale` must be a number above"):
            embedding_loss("cosent", scale=scale)
    with pytest.raises(ValueError, match="`margin` must be a number above 0"):
        embedding_loss("triplet", margin=-1.0)
    with pytest.raises(ValueError, match="`distance` must be one of 'euc"):
        TripletLoss(distance="manhattan")
    with pytest.raises(ValueError, match="`kind` must be one of 'in_batch"):
        embedding_loss("ranking")  # type: ignore
