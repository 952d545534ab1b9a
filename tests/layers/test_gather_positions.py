"""Vectors at chosen positions."""

import numpy as np

from keras_ctx.layers import GatherPositions


def test_gathered_are_the_vectors_at_each_rows_own_positions() -> None:
    vectors = np.array([[[0.0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]])
    positions = np.array([[2, 0, 2, 2], [1, 1, 0, 2]])
    assert np.asarray(GatherPositions()(vectors, positions)).tolist() == [
        [[4, 5], [0, 1], [4, 5], [4, 5]],
        [[8, 9], [8, 9], [6, 7], [10, 11]],
    ]


def test_no_positions_give_no_vectors() -> None:
    positions = np.zeros((2, 0), "int32")
    assert GatherPositions()(np.ones((2, 3, 4)), positions).shape == (2, 0, 4)
