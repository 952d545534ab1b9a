"""The keys and values of tokens that were read before, for later tokens."""

from keras import ops


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
    index = ops.arange(length, dtype="int32") - positions[:, None]  # (B, S)
    inside = ops.logical_and(index >= 0, index < count)
    if not isinstance(count, int) or count > 1 or real is not None:
        index = ops.clip(index, 0, count - 1)
        if real is not None:
            written = ops.take_along_axis(real, index, axis=1)
            inside = ops.logical_and(inside, written)
        index = index[:, None, :, None]
        index = ops.broadcast_to(index, (batch, heads, length, size))
        new = ops.take_along_axis(new, index, axis=2)
    return ops.where(inside[:, None, :, None], new, cache)


def visible(positions, count, length):
    """Returns the mask `(B, T, S)`: a token sees itself and earlier ones.

    Args:
        positions: Integers `(B,)`: the place of the first of the tokens.
        count: Number T of tokens.
        length: Number S of places in the cache.
    """
    places = positions[:, None] + ops.arange(count, dtype="int32")
    return ops.arange(length, dtype="int32") <= places[:, :, None]
