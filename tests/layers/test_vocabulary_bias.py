"""A bias for each word."""

import numpy as np

from keras_ctx.layers import VocabularyBias


def test_starts_at_0_and_is_added_to_the_last_axis() -> None:
    bias = VocabularyBias()
    scores = np.array([[[1.0, 2, 3]], [[4, 5, 6]]])
    assert np.asarray(bias(scores)).tolist() == scores.tolist()
    bias.set_weights([np.array([0.5, -1, 10])])
    assert np.asarray(bias(scores)).tolist() == [[[1.5, 1, 13]], [[4.5, 4, 16]]]
