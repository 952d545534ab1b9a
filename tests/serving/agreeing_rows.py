"""Whether batches of any size give the same rows."""

from collections.abc import Sequence

import numpy as np
from cpp_server import Arrays

# Float32, whose last bits differ with the order of a sum.
TOLERANCE = 1e-5


def largest_difference(
    answer: Arrays, expected: Sequence[Arrays], exactly: bool
) -> float:
    """The largest difference of an answer's rows, below `TOLERANCE`.

    Args:
        answer: the outputs of B rows by name.
        expected: the outputs of each of the B rows by name, from a batch in
            which they may have been padded further.
        exactly: whether they were padded alike.

    Raises:
        AssertionError: names, shapes, strings, ids or numbers differ.
    """
    largest = 0.0
    for row, outputs in enumerate(expected):
        assert answer.keys() == outputs.keys()
        for name, right in outputs.items():
            # A slice: a single string would be no array.
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
            # Put so that a NaN is refused.
            assert difference <= TOLERANCE, (name, difference)
            largest = max(largest, float(difference))
    return largest


def rows_of(batches: Sequence[Arrays]) -> list[Arrays]:
    """The outputs of every row by name, of batches one behind another.

    Each still has its first axis, of length 1.
    """
    return [
        {name: value[row : row + 1] for name, value in batch.items()}
        for batch in batches
        for row in range(len(next(iter(batch.values()))))
    ]
