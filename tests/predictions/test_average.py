"""The mean of several models' probabilities, by hand."""

import numpy as np
import pytest

from keras_ctx.predictions import average_logits


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_mean_of_probabilities() -> None:
    draw = np.random.default_rng(0)
    logits = [draw.normal(0, 3, (5, 4)).astype("float32") for _ in range(3)]
    found = average_logits("classification", logits)
    expected = np.mean([softmax(x.astype("float64")) for x in logits], axis=0)
    np.testing.assert_allclose(softmax(found), expected, atol=1e-12)
    found = 1 / (1 + np.exp(-average_logits("multi_label", logits)))
    expected = np.mean([1 / (1 + np.exp(-x.astype("d"))) for x in logits], 0)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    found = average_logits("regression", logits)
    np.testing.assert_allclose(found, np.mean(logits, axis=0), atol=1e-6)


def test_far_logits_stay_finite() -> None:
    logits = [np.array([[2000.0, 0.0]]), np.array([[1000.0, -3.0]])]
    for kind in ("classification", "multi_label"):
        found = average_logits(kind, logits)
        assert np.isfinite(found).all() and found[0, 0] > found[0, 1]


def test_refusal() -> None:
    with pytest.raises(ValueError, match="`kind` must be one of"):
        average_logits("tagging", [np.zeros((1, 2))])
