"""Which tokens are real."""

import numpy as np

from keras_ctx.layers import PaddingMask


def test_word_is_real_where_it_has_any_character() -> None:
    char_ids = np.array([[[259, 98], [0, 7], [0, 0]], [[0, 0], [0, 0], [1, 0]]])
    assert np.asarray(PaddingMask()(char_ids)).tolist() == [
        [True, True, False],
        [False, False, True],
    ]


def test_word_is_real_where_it_has_an_id() -> None:
    word_ids = np.array([[4, 1, 0], [0, 0, 0], [0, 7, 0]])
    assert np.asarray(PaddingMask()(word_ids)).tolist() == [
        [True, True, False],
        [False, False, False],
        [False, True, False],
    ]
