"""An id outside its table gives NaN at that token and nowhere else, on every
backend, whereas Keras's backends raise, read zeros or read another row."""

import numpy as np
import pytest
from keras import ops

from keras_ctx import layers

BAD_TOKENS = [-1, 11, 2_000_000_000]


def not_a_number(vectors) -> np.ndarray:
    """Returns whether tokens are NaN, `(B, T)`, in all features or none."""
    found = np.isnan(ops.convert_to_numpy(vectors))
    assert (found.all(axis=-1) == found.any(axis=-1)).all()
    return found.all(axis=-1)


@pytest.mark.parametrize("bad", BAD_TOKENS)
def test_token_ids(bad: int) -> None:
    layer = layers.TokenAndSegmentEmbedding(11, 4, 9)
    token_ids = np.array([[0, 10, bad], [1, 2, 3]], "int32")
    found = not_a_number(layer(token_ids))
    assert found.tolist() == [[False, False, True], [False] * 3]


@pytest.mark.parametrize("bad", [-1, 2])
def test_segment_ids(bad: int) -> None:
    layer = layers.TokenAndSegmentEmbedding(11, 4, 9)
    token_ids = np.ones((2, 3), "int32")
    segment_ids = np.array([[0, 1, 0], [1, bad, 0]], "int32")
    found = not_a_number(layer(token_ids, segment_ids))
    assert found.tolist() == [[False] * 3, [False, True, False]]


@pytest.mark.parametrize("bad", BAD_TOKENS)
def test_word_ids(bad: int) -> None:
    word_ids = np.array([[0, 10, bad], [1, 2, 3]], "int32")
    expected = [[False, False, True], [False] * 3]
    embedded = layers.WordEmbedding(11, 4)(word_ids)
    assert not_a_number(embedded).tolist() == expected
    dropping = layers.WordDropoutEmbedding(11, 4, 0.2)
    for training in (False, True):
        embedded = dropping(word_ids, training=training)
        assert not_a_number(embedded).tolist() == expected
    taken = layers.TakeRows()(np.ones((11, 4), "float32"), word_ids)
    assert not_a_number(taken).tolist() == expected


@pytest.mark.parametrize("bad", [-1, 262, 2_000_000_000])
def test_char_ids(bad: int) -> None:
    layer = layers.CharCNNHighway([(1, 3), (2, 3)], 4, 3)
    char_ids = np.full((2, 3, 4), 261, "int32")
    char_ids[0, 2] = 0  # padding
    char_ids[1, 1, 3] = bad
    found = not_a_number(layer(char_ids))
    assert found.tolist() == [[False] * 3, [False, True, False]]


def test_other_rows_of_a_batch_are_untouched_by_the_encoder() -> None:
    bilm = layers.BiLM(6, 4)
    vectors = np.ones((2, 3, 4), "float32")
    good = [ops.convert_to_numpy(x) for x in bilm(vectors)]
    vectors[1, 1] = np.nan
    for x, y in zip(bilm(vectors), good, strict=True):
        x = ops.convert_to_numpy(x)
        np.testing.assert_array_equal(x[0], y[0])
        # Forward, the word before is unaffected; backward, the word after.
        np.testing.assert_array_equal(x[1, 0, :4], y[1, 0, :4])
        np.testing.assert_array_equal(x[1, 2, 4:], y[1, 2, 4:])
        assert np.isnan(x[1, 1]).all()
