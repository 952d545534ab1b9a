"""The keys and values of tokens that were read before, for later tokens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from keras import ops

RowWriter = Callable[[Any, Any, Any], Any]
"""From a matrix, the indices `(N, 1)` of rows and `(N, D)` to the matrix with
these rows."""
_write_rows: ContextVar[RowWriter] = ContextVar(
    "write_rows", default=ops.scatter_update
)


@contextmanager
def rows_written_by(writer: RowWriter) -> Iterator[None]:
    """Lets `write` write single tokens by another function.

    Args:
        writer: It may change the matrix itself, if nothing reads the cache
            from before the call again.
    """
    token = _write_rows.set(writer)
    try:
        yield
    finally:
        _write_rows.reset(token)


def write(cache, new, positions, real=None):
    """Writes the keys or values of new tokens, from a place of each row on.

    Args:
        cache: `(B, H, S, D / H)`.
        new: `(B, H, T, D / H)`. Those beyond S are left out.
        positions: Integers `(B,)`: the place of the first new token.
        real: Booleans `(B, T)`: the tokens to write; `None`: all.

    Returns:
        `(B, H, S, D / H)`.
    """
    batch, heads, length, size = ops.shape(cache)
    count = ops.shape(new)[2]
    if isinstance(count, int) and count == 1:
        return _write_one(cache, new, positions, real)
    index = ops.arange(length, dtype="int32") - positions[:, None]  # (B, S)
    inside = ops.logical_and(index >= 0, index < count)
    index = ops.clip(index, 0, count - 1)
    if real is not None:
        written = ops.take_along_axis(real, index, axis=1)
        inside = ops.logical_and(inside, written)
    index = index[:, None, :, None]
    index = ops.broadcast_to(index, (batch, heads, length, size))
    new = ops.take_along_axis(new, index, axis=2)
    return ops.where(inside[:, None, :, None], new, cache)


def _write_one(cache, new, positions, real):
    """Writes one token a row, without computing the other places again."""
    batch, heads, length, size = ops.shape(cache)
    rows = ops.arange(batch, dtype="int32")[:, None] * heads
    rows = rows + ops.arange(heads, dtype="int32")
    rows = rows * length + ops.clip(positions, 0, length - 1)[:, None]
    rows = ops.reshape(rows, (-1,))  # (B * H,)
    written = ops.logical_and(positions >= 0, positions < length)
    if real is not None:
        written = ops.logical_and(written, real[:, 0])
    written = ops.repeat(written, heads)[:, None]
    matrix = ops.reshape(cache, (-1, size))  # (B * H * S, D / H)
    old = ops.take(matrix, rows, axis=0)
    new = ops.where(written, ops.reshape(new, (-1, size)), old)
    matrix = _write_rows.get()(matrix, rows[:, None], new)
    return ops.reshape(matrix, (batch, heads, length, size))


def visible(positions, count, length):
    """Returns the mask `(B, T, S)`: a token sees itself and earlier ones.

    Args:
        positions: Integers `(B,)`: the place of the first of the tokens.
        count: Number T of tokens.
        length: Number S of places in the cache.
    """
    places = positions[:, None] + ops.arange(count, dtype="int32")
    return ops.arange(length, dtype="int32") <= places[:, :, None]
