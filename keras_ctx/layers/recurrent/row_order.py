"""The tokens of each row in another order."""

from keras import ops


def real_first(padding_mask):
    """Returns how to put the real tokens of each row first, and back.

    Returns:
        The positions `(B, T)` to read a row in, and the place of each token
        in that order: its inverse. Both keep a row that ends in its padding.
    """
    real = ops.cast(padding_mask, "int32")
    padding = 1 - real
    places = ops.where(
        padding_mask,
        ops.cumsum(real, axis=1) - 1,
        ops.sum(real, axis=1, keepdims=True) + ops.cumsum(padding, axis=1) - 1,
    )
    return ops.argsort(places, axis=1), places


def reversed_order(padding_mask):
    """Positions `(B, T)` that reverse each row's real part; its own inverse."""
    positions = ops.expand_dims(ops.arange(ops.shape(padding_mask)[1]), 0)
    lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1, keepdims=True)
    return ops.where(positions < lengths, lengths - 1 - positions, positions)


def take(x, positions):
    """Row-wise `x[b, positions[b, t]]`, for `(B, T)` or `(B, T, D)`."""
    batch, length = ops.shape(x)[:2]
    # Whole vectors; `ops.take_along_axis` looks each number up.
    first = ops.expand_dims(ops.arange(batch), -1) * length
    x = ops.reshape(x, (-1, *x.shape[2:]))
    return ops.take(x, positions + first, axis=0)


def reordered(x, order, inverse):
    """`take(x, order)` of a whole row; an `order` of `None` leaves it."""
    if order is None:
        return x

    @ops.custom_gradient
    def run(x):
        def gradient(*upstream):
            # A gather's own gradient would add up vectors, of which there is
            # one for each place.
            return take(upstream[0], inverse)

        return take(x, order), gradient

    return run(x)
