"""Work on many rows in pieces of a bounded size, and on none at all."""

from collections.abc import Callable

from keras import ops


def in_chunks(function: Callable, rows, size: int):
    """`function(rows)`, computed on at most `size` rows at a time.

    What `function` holds in between is then bounded, and stays in the cache.
    The pieces are alike, with a row or two of zeros in the last, and never
    without a row, for which a convolution has no answer; where the number of
    rows is known to be small there is no loop.

    Args:
        function: From `(N, C)` to `(N, D)`, each row for itself.
        rows: `(N, C)`.
        size: Most rows of a piece.

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
    """`function(rows)`, computed on a row of zeros where there is none.

    The way back through a convolution fails on no row at all.

    Args:
        function: From `(N, C)` to `(N, D)`, each row for itself.
        rows: `(N, C)`.

    Returns:
        `(N, D)`.
    """
    count = ops.shape(rows)[0]
    if isinstance(count, int) and count > 0:
        return function(rows)
    missing = 1 if isinstance(count, int) else ops.maximum(1 - count, 0)
    return function(ops.pad(rows, ((0, missing), (0, 0))))[:count]
