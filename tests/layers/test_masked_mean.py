"""The mean of real tokens."""

import numpy as np

from keras_ctx.layers import MaskedMean


def mean(vectors: list, mask: list) -> list:
    found = MaskedMean()(np.array(vectors, "float32"), np.array(mask))
    return np.asarray(found).tolist()


def test_only_real_tokens_count() -> None:
    row = [[1.0, 10.0], [3.0, 20.0], [99.0, 99.0]]
    assert mean([row], [[True, True, False]]) == [[2.0, 15.0]]
    # Real tokens need not come first.
    assert mean([row], [[False, True, False]]) == [[3.0, 20.0]]


def test_row_of_padding_alone_is_zeros_and_harms_no_other() -> None:
    row = [[4.0], [8.0]]
    assert mean([row, row], [[False, False], [True, True]]) == [[0.0], [6.0]]


def test_padding_may_hold_anything() -> None:
    row = [[5.0], [np.nan], [np.inf]]
    assert mean([row], [[True, False, False]]) == [[5.0]]


def test_mask_may_be_of_integers() -> None:
    assert mean([[[4.0], [8.0]]], [[1, 0]]) == [[4.0]]
