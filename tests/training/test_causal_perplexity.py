"""Perplexity in windows beside sums by hand."""

import keras
import numpy as np
import pytest

from keras_ctx import models
from keras_ctx.evaluation import causal_perplexity, token_likelihoods

V = 9


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(2)
    encoder = models.gpt_encoder(
        *(V, 2, 2, 8, 16), max_length=12, initializer_range=0.7
    )
    return models.causal_language_model(encoder)


def nats(model, ids: list[int]) -> np.ndarray:
    """Returns the nats of each token but the first, read at once."""
    row = np.array([ids])
    features = {"token_ids": row, "padding_mask": row >= 0}
    logits = np.asarray(model(features)["next_token"])[0].astype("float64")
    shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -shares[np.arange(len(ids) - 1), ids[1:]]


def text(count: int) -> list[int]:
    return np.random.default_rng(1).integers(0, V, count).tolist()


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_short_text(model) -> None:
    ids = text(7)
    assert_close(token_likelihoods(model, ids, 12), nats(model, ids))
    assert_close(token_likelihoods(model, ids, 6, 3), nats(model, ids))


@pytest.mark.quick("7-3", "11-2")
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [2, 5, 6, 7, 8, 11, 23, 40])
def test_each_token_is_scored_once(model, count: int, stride: int) -> None:
    ids, length = text(count), 5
    found = token_likelihoods(model, ids, length, stride, batch_size=3)
    expected, start = [], 0
    while len(expected) < count - 1:
        window = ids[start : start + length + 1]
        of_window = nats(model, window)
        expected += of_window[len(expected) - start :].tolist()
        start += stride
    assert len(found) == count - 1
    assert_close(found, expected)


def test_perplexities(model) -> None:
    texts = [text(7), [3], text(4)]
    total = sum(nats(model, x).sum() for x in texts if len(x) > 1)
    told: list[int] = []
    found = causal_perplexity(model, texts, 5, length=12, told=told.append)
    assert told == [6, 6, 9]
    assert found["num_tokens"] == 9 and found["num_words"] == 5
    assert_close(found["nats"], total)
    assert_close(found["token_perplexity"], np.exp(total / 9))
    assert_close(found["word_perplexity"] / np.exp(total / 5), 1)


def test_many_texts_are_not_traced_one_by_one(model) -> None:
    traces: list[int] = []

    def counted(features, training):
        traces.append(features["token_ids"].shape[1] or 0)
        return model(features, training=training)

    texts = [text(count) for count in (2, 7, 4, 9, 3, 8, 5)]
    found = causal_perplexity(counted, texts, 5, length=12)  # pyright: ignore
    total = sum(nats(model, x).sum() for x in texts)
    assert_close(found["nats"], total)
    assert len(traces) <= 3


def test_refusals(model) -> None:
    with pytest.raises(ValueError, match="`stride` must be at most `length`"):
        token_likelihoods(model, text(9), 4, 5)
    with pytest.raises(ValueError, match="`length` must be"):
        token_likelihoods(model, text(9), 1)
    with pytest.raises(ValueError, match="`texts` must hold a text of two"):
        causal_perplexity(model, [[1], []], 3, length=4)
    with pytest.raises(ValueError, match="`num_words` must be"):
        causal_perplexity(model, [[1, 2]], 0, length=4)
