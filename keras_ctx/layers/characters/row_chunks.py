"""Applies a function to rows in chunks, and to a batch without rows."""

from collections.abc import Callable

from keras import ops


def in_chunks(function: Callable, rows, size: int):
    """Returns `function(rows)`, computed on at most `size` rows at a time.

    This bounds the memory of `function`, which then fits in the cache. All
    chunks have the same size, with a few rows of zeros in the last, and never
    size 0, for which a convolution fails. If the number of rows is known to
    be small, there is no loop.

    Args:
        function: Maps `(N, C)` to `(N, D)`, each row independently.
        rows: `(N, C)`.
        size: Largest number of rows of a chunk.

    Returns:
        `(N, D)`.
    """
    count = ops.shape(rows)[0]
    if isinstance(count, int) and 0 < count <= size:
        return function(rows)
    maximum = max if isinstance(count, int) else ops.maximum
    chunks = maximum((count + size - 1) // size, 1)
    length = maximum((count + chunks - 1) // chunks, 1)
    x = ops.pad(rows, ((0, chunks * length - count), (0, 0)))
    x = ops.reshape(x, (chunks, length, ops.shape(rows)[1]))
    x = ops.map(function, x)
    return ops.reshape(x, (chunks * length, x.shape[-1]))[:count]


def never_empty(function: Callable, rows):
    """Returns `function(rows)`, also for a batch without rows.

    The gradient of a convolution fails without rows, so a row of zeros is
    added and its result removed.

    Args:
        function: Maps `(N, C)` to `(N, D)`, each row independently.
        rows: `(N, C)`.

    Returns:
        `(N, D)`.
    """
    count = ops.shape(rows)[0]
    if isinstance(count, int) and count > 0:
        return function(rows)
    missing = 1 if isinstance(count, int) else ops.maximum(1 - count, 0)
    return function(ops.pad(rows, ((0, missing), (0, 0))))[:count]
