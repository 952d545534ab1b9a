"""Rare classes count as much as frequent ones."""

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from keras_ctx import data
from keras_ctx.text import ElmoInputs

LABELS = [0, 2, 0, 1, 0, 0, 2]
TEXTS = [f"text {k}" for k in range(len(LABELS))]


def test_balanced_weights_are_scikit_learns() -> None:
    found = data.balanced_class_weights(LABELS, 3)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # 7 labels, 3 classes, 4 of the first.
    assert found[0] == pytest.approx(7 / 12)


def dataset(class_weights, training: bool = False, labels=LABELS):
    return data.classification_dataset(
        TEXTS,
        labels,
        ElmoInputs(8),
        batch_size=4,
        training=training,
        class_weights=class_weights,
    )


@pytest.mark.parametrize(
    "class_weights", [[1.0, 5.0, 2.0], {0: 1, 1: 5, 2: 2.0, 7: 9.0}]
)
def test_weights_stand_by_their_labels(class_weights) -> None:
    first, last = dataset(class_weights)
    np.testing.assert_allclose(
        first[2]["logits"], np.array([1, 2, 1, 5]) / 9, rtol=1e-6
    )
    np.testing.assert_allclose(
        last[2]["logits"], np.array([1, 1, 2]) / 4, rtol=1e-6
    )
    features, targets, weights = next(
        iter(dataset(class_weights, training=True))
    )
    raw = np.array([1, 5, 2])[targets["logits"]]
    np.testing.assert_allclose(weights["logits"], raw / raw.sum(), rtol=1e-6)


def test_without_weights_there_is_no_third_part() -> None:
    assert all(len(batch) == 2 for batch in dataset(None))


def test_loss_is_the_weighted_mean() -> None:
    x = keras.Input((None, 8), dtype="int32", name="char_ids")
    logits = keras.layers.Dense(3, name="logits")(
        keras.ops.cast(x, "float32")[:, 0] / 100
    )
    model = keras.Model({"char_ids": x}, {"logits": logits})
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="sum"
    )
    model.compile(loss={"logits": loss}, jit_compile=False)
    features, targets, weights = next(iter(dataset([1.0, 5.0, 2.0])))
    found = model.evaluate(features, targets, 4, 0, weights)
    scores = np.asarray(model(features)["logits"], "float64")
    labels = LABELS[:4]
    nll = np.log(np.exp(scores).sum(-1)) - scores[range(4), labels]
    raw = np.array([1, 2, 1, 5])
    assert found == pytest.approx((raw * nll).sum() / 9, abs=1e-5)


@pytest.mark.parametrize(
    ("class_weights", "message"),
    [
        ([1.0, 2.0], r"`class_weights` .*none for \[2\]"),
        ({1: 1.0}, r"`class_weights` .*none for \[0, 2\]"),
        ([1.0, -2.0, 1.0], "`class_weights` must be .*{1: -2.0}"),
        ([1.0, float("nan"), 1.0], "`class_weights` must be .*{1: nan}"),
    ],
)
def test_refused_weights(class_weights, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataset(class_weights)


@pytest.mark.parametrize(
    ("num_classes", "classes"), [(4, "0, 1, 2"), (2, "0, 1, 2")]
)
def test_balance_needs_labels_of_each_class(num_classes, classes: str) -> None:
    with pytest.raises(ValueError, match=rf"`labels` must .*\[{classes}\]"):
        data.balanced_class_weights(LABELS, num_classes)
