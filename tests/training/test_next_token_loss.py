"""The loss of causal models beside Keras's, which takes one-hot targets."""

import keras
import numpy as np
import pytest

from keras_ctx.training import NextTokenLoss, causal_losses

RANDOM = np.random.default_rng(2)
LOGITS = (3 * RANDOM.normal(size=(2, 4, 7))).astype("float32")
TARGETS = RANDOM.integers(0, 7, (2, 4))
WEIGHTS = RANDOM.random((2, 4)).astype("float32")


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.6])
def test_equals_keras(label_smoothing: float) -> None:
    other = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=label_smoothing, reduction="sum"
    )
    expected = other(np.eye(7)[TARGETS], LOGITS, WEIGHTS)
    found = NextTokenLoss(label_smoothing)(TARGETS, LOGITS, WEIGHTS)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_half_precision_is_summed_in_float32() -> None:
    half = keras.ops.cast(LOGITS, "bfloat16")
    exact = keras.ops.cast(half, "float32")
    loss = NextTokenLoss(0.1, dtype="float32")
    np.testing.assert_allclose(
        loss(TARGETS, half), loss(TARGETS, exact), rtol=1e-2
    )  # Keras casts to the loss's dtype first


def test_saved() -> None:
    loss = NextTokenLoss(0.2)
    again = NextTokenLoss.from_config(loss.get_config())
    assert again.label_smoothing == 0.2
    assert causal_losses(0.3)["next_token"].label_smoothing == 0.3
    with pytest.raises(ValueError, match="`label_smoothing` must be a rate"):
        NextTokenLoss(1.0)
