"""Compares rows from batches of different sizes."""

from collections.abc import Sequence

import numpy as np
from cpp_server import Arrays

# For float32, whose last bits depend on the order of sums.
TOLERANCE = 1e-5


def largest_difference(
    answer: Arrays, expected: Sequence[Arrays], exactly: bool
) -> float:
    """Returns the largest difference of an answer's rows.

    Args:
        answer: Outputs of B rows by name.
        expected: Outputs of each of the B rows by name, from batches that may
            be padded further.
        exactly: Whether they have equal padding.

    Raises:
        AssertionError: Names, shapes, strings, ids or numbers (by more than
            `TOLERANCE`) differ.
    """
    largest = 0.0
    for row, outputs in enumerate(expected):
        assert answer.keys() == outputs.keys()
        for name, right in outputs.items():
            # A slice, because a single string would not be an array.
            given = answer[name][row : row + 1]
            assert given.dtype == right.dtype, name
            if exactly:
                assert given.shape == right.shape, name
            right = right[tuple(map(slice, given.shape))]
            assert given.shape == right.shape, name
            if given.dtype.kind != "f":
                np.testing.assert_array_equal(given, right, name)
                continue
            scale = np.maximum(1.0, np.abs(right))
            difference = np.max(np.abs(given - right) / scale, initial=0.0)
            # Written so that NaN fails.
            assert difference <= TOLERANCE, (name, difference)
            largest = max(largest, float(difference))
    return largest


def rows_of(batches: Sequence[Arrays]) -> list[Arrays]:
    """Returns the outputs of every row of consecutive batches, by name.

    Each keeps its first axis, of length 1.
    """
    return [
        {name: value[row : row + 1] for name, value in batch.items()}
        for batch in batches
        for row in range(len(next(iter(batch.values()))))
    ]
