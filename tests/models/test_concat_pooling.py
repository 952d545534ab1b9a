"""ULMFiT's head beside NumPy, in use and in training."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_ctx import models

V, E = 11, 6
IDS = np.array([[2, 5, 7, 3], [2, 9, 1, 1], [2, 4, 6, 1]])
MASK = IDS != 1
FEATURES = {"token_ids": IDS, "padding_mask": MASK}


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    encoder = models.awd_lstm_encoder(V, E, 8, 2, 0.0, 0.0, 0.0, 0.0)
    return models.classifier(
        encoder, 3, dropout=0.0, head="concat_pooling", name="task"
    )


def pooled(model: keras.Model) -> np.ndarray:
    """Returns last, maximum and mean of the real tokens, row by row."""
    inner: Any = model.get_layer("awd_lstm_encoder")
    sequence = np.asarray(inner(FEATURES)["sequence"], "float64")
    rows = []
    for x, real in zip(sequence, MASK, strict=True):
        tokens = x[real]
        rows.append([*tokens[-1], *tokens.max(axis=0), *tokens.mean(axis=0)])
    return np.array(rows)


def norm(x: np.ndarray, layer: Any) -> np.ndarray:
    gamma, beta, mean, variance = (np.asarray(w) for w in layer.get_weights())
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def dense(x: np.ndarray, layer: Any) -> np.ndarray:
    kernel, bias = layer.get_weights()
    return x @ kernel + bias


def test_logits(model: keras.Model) -> None:
    draw = np.random.default_rng(0)
    for layer in model.layers:
        if "norm" in layer.name:
            layer.set_weights(
                [draw.uniform(0.5, 2, x.shape) for x in layer.get_weights()]
            )
    found: dict[str, Any] = {x.name: x for x in model.layers}
    x = norm(pooled(model), found["pooled_norm"])
    x = np.maximum(dense(x, found["hidden"]), 0)
    assert x.shape == (3, 50)
    x = dense(norm(x, found["hidden_norm"]), found["logits"])
    np.testing.assert_allclose(model(FEATURES)["logits"], x, atol=1e-5)
    assert found["pooled_dropout"].rate == 0.4


def test_norms_in_training(model: keras.Model) -> None:
    rows = pooled(model)
    model(FEATURES, training=True)
    found: Any = model.get_layer("pooled_norm")
    moving = np.asarray(found.moving_mean)  # from 0, with momentum 0.9
    np.testing.assert_allclose(moving, 0.1 * rows.mean(axis=0), atol=1e-6)


def test_refusals() -> None:
    encoder = models.awd_lstm_encoder(V, E, 8, 2)
    with pytest.raises(ValueError, match='`head` must be "linear" or'):
        models.classifier(encoder, 2, head="concat")  # pyright: ignore
    packed = models.packed(models.bert_encoder(9, 1, 2, 6, 8, 8), 3)
    with pytest.raises(ValueError, match="would read a row of several texts"):
        models.classifier(packed, 2, head="concat_pooling")
