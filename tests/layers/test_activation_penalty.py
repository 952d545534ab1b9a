"""The penalties AR and TAR, by hand and beside NumPy."""

import numpy as np
import pytest

from keras_ctx import layers

LENGTHS = (4, 2, 1, 0)
MASK = np.arange(4) < np.array(LENGTHS)[:, None]
GENERATOR = np.random.default_rng(0)
X, DROPPED = GENERATOR.normal(size=(2, 4, 4, 3)).astype("float32")


def penalty(layer: layers.ActivationPenalty, x=X, **arguments) -> float:
    layer(x, DROPPED, training=True, **arguments)
    (found,) = layer.losses
    return float(found)


def test_padding_does_not_count() -> None:
    real = np.concatenate(
        [row[:length] for row, length in zip(DROPPED, LENGTHS, strict=True)]
    )
    changes = np.concatenate(
        [
            np.diff(row[:length], axis=0)
            for row, length in zip(X, LENGTHS, strict=True)
            if length > 1
        ]
    )
    assert real.shape == (7, 3) and changes.shape == (4, 3)
    expected = 3.0 * (real**2).mean() + 0.5 * (changes**2).mean()
    layer = layers.ActivationPenalty(3.0, 0.5)
    found = penalty(layer, padding_mask=MASK)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # Whatever stands there.
    x = np.where(MASK[..., None], X, np.nan).astype("float32")
    layer = layers.ActivationPenalty(3.0, 0.5)
    np.testing.assert_array_equal(penalty(layer, x, padding_mask=MASK), found)


def test_without_padding_it_is_that_of_awd_lstm_lm() -> None:
    expected = 2 * (DROPPED**2).mean() + (np.diff(X, axis=1) ** 2).mean()
    found = penalty(layers.ActivationPenalty())
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_it_adds_nothing_in_evaluation_and_changes_no_output() -> None:
    layer = layers.ActivationPenalty()
    np.testing.assert_array_equal(layer(DROPPED, DROPPED), DROPPED)
    assert layer.losses == []
    layer.trainable = False
    layer(DROPPED, DROPPED, training=True)
    assert layer.losses == []


def test_half_precision_is_summed_in_float32() -> None:
    layer = layers.ActivationPenalty(dtype="float16")
    x = np.full((2, 50, 40), 8.0, "float32")  # a sum of 256,000
    layer(x, x, training=True)
    assert float(layer.losses[0]) == 128.0


def test_errors() -> None:
    with pytest.raises(ValueError, match="`change` must be a number of at le"):
        layers.ActivationPenalty(change=-1.0)
    with pytest.raises(ValueError, match="`dropped` must have the same axes"):
        layers.ActivationPenalty()(DROPPED, DROPPED[:, 1:])
