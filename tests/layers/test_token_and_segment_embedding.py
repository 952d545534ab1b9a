"""BERT's input layer, by hand."""

import numpy as np
import pytest

from keras_ctx.layers import TokenAndSegmentEmbedding

TOKENS = np.array([[0, 0, 0, 0], [1, 2, 3, 4], [-4, 1, 0, 2]], "float32")
SEGMENTS = np.array([[0, 0, 0, 0], [10, 0, 0, 0]], "float32")
POSITIONS = np.array([[0, 0, 0, 0], [0, 20, 0, 0], [0, 0, 30, 0]], "float32")


def layer_of(**arguments) -> TokenAndSegmentEmbedding:
    layer = TokenAndSegmentEmbedding(3, 4, max_length=3, **arguments)
    layer.build((None, None))
    for embedding, table in (
        (layer.token_embedding, TOKENS),
        (layer.segment_embedding, SEGMENTS),
        (layer.position_embedding, POSITIONS),
    ):
        embedding.set_weights([table])
    return layer


def normalized(*sums: list[float]) -> np.ndarray:
    x = np.array(sums)
    x = x - x.mean(axis=-1, keepdims=True)
    return x / x.std(axis=-1, keepdims=True)


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_token_segment_and_position_are_added_and_normalized() -> None:
    found = layer_of()(np.array([[1, 1, 2]]), np.array([[0, 1, 1]]))
    expected = normalized([1, 2, 3, 4], [11, 22, 3, 4], [6, 1, 30, 2])
    assert_close(found, expected[None])


def test_without_segments_all_tokens_are_of_the_first() -> None:
    found = layer_of()(np.array([[1], [2]]))
    assert_close(found, normalized([1, 2, 3, 4], [-4, 1, 0, 2])[:, None])


def test_norm_has_scale_and_shift() -> None:
    layer = layer_of()
    layer.norm.set_weights([np.array([1.0, 2, 3, 4]), np.array([5.0, 6, 7, 8])])
    expected = normalized([1, 2, 3, 4])[0] * [1, 2, 3, 4] + [5, 6, 7, 8]
    assert_close(layer(np.array([[1]])), expected[None, None])


def test_dropout_comes_after_the_norm() -> None:
    layer, ids = layer_of(dropout=0.75), np.full((50, 1), 1)
    kept = np.asarray(layer(ids, training=True) / layer(ids))
    assert set(kept.round(4).ravel().tolist()) == {0.0, 4.0}


def test_reversed_it_scores_tokens_without_norm_or_bias() -> None:
    layer = layer_of()
    scores = [[0, 10, -1], [0, 4, 2]]  # dot products with the three rows
    vectors = np.array([[1.0, 1, 1, 1], [0, 0, 0, 1]])
    assert_close(layer(vectors, reverse=True), scores)
    assert_close(layer(vectors[None], reverse=True), [scores])


def test_reversed_it_reads_the_same_table() -> None:
    layer = layer_of()
    layer.token_embedding.set_weights([2 * TOKENS])
    assert_close(layer(np.ones((1, 4)), reverse=True), [[0, 20, -2]])
    assert len(layer.trainable_weights) == 5  # three tables, a norm of two


@pytest.mark.parametrize("length", [4, 9])
def test_error_of_too_many_tokens(length: int) -> None:
    message = f"`token_ids` .* `max_length=3` .*Received: {length}"
    with pytest.raises(ValueError, match=message):
        layer_of()(np.ones((1, length), "int32"))


ERRORS = {
    "`vocabulary_size` must be .* vocabulary_size=0": {"vocabulary_size": 0},
    "`hidden_dim` must be .* hidden_dim=-4": {"hidden_dim": -4},
    "`max_length` must be .* max_length=None": {"max_length": None},
    "`num_segments` must be .* num_segments=0": {"num_segments": 0},
    "`dropout` must be a rate .* dropout=1": {"dropout": 1},
    "`dropout` must be a rate .* dropout=nan": {"dropout": float("nan")},
    "`layer_norm_epsilon` must be .* above 0.*=0.0": {
        "layer_norm_epsilon": 0.0
    },
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(message: str) -> None:
    sizes = {"vocabulary_size": 3, "hidden_dim": 4, "max_length": 3}
    with pytest.raises(ValueError, match=message):
        TokenAndSegmentEmbedding(**{**sizes, **ERRORS[message]})
