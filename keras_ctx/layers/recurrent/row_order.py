"""Reorders the tokens of each row."""

from keras import ops

from keras_ctx.layers.base.finite_padding import finite_padding
from keras_ctx.layers.recurrent.recurrence import with_a_token


def real_first(padding_mask):
    """Returns the order that puts the real tokens of each row first.

    Returns:
        The positions `(B, T)` in the order of reading, and the inverse: the
        index of each token in that order. Rows with padding only at the end
        do not change.
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
    """Returns positions `(B, T)` that reverse the real part of each row."""
    positions = ops.expand_dims(ops.arange(ops.shape(padding_mask)[1]), 0)
    lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1, keepdims=True)
    return ops.where(positions < lengths, lengths - 1 - positions, positions)


def reading_order(padding_mask, all_real: bool, reverse: bool):
    """Returns the order in which a layer reads the real tokens of each row.

    Args:
        padding_mask: Booleans `(B, T)`.
        all_real: Whether the mask is known to be true everywhere.
        reverse: Whether to read from the last real token to the first.

    Returns:
        The positions `(B, T)` in the order of reading and the inverse, both
        `None` for the order of the tokens, and the mask in that order.
    """
    read = places = None
    if not all_real:
        read, places = real_first(padding_mask)
        padding_mask = take(padding_mask, read)
    if not reverse:
        return read, places, padding_mask
    order = reversed_order(padding_mask)  # its own inverse
    if read is None:
        return order, order, padding_mask
    return take(read, order), take(order, places), padding_mask


def read_rows(inputs, mask, reverse: bool):
    """Returns what a recurrent layer reads of `(B, T, D)`.

    Args:
        inputs: `(B, T, D)`.
        mask: Booleans `(B, T)`, true = real token; `None`: all are.
        reverse: As for `reading_order`.

    Returns:
        The inputs with a token at least, finite at padding, in their own
        order; and the result of `reading_order`.
    """
    all_real = mask is None
    if all_real:
        mask = ops.ones(ops.shape(inputs)[:2], "bool")
    mask, inputs = with_a_token(mask), with_a_token(inputs)
    if not all_real:
        inputs = finite_padding(inputs, mask)
    return inputs, *reading_order(mask, all_real, reverse)


def take(x, positions):
    """Returns `x[b, positions[b, t]]`, for `(B, T)` or `(B, T, D)`."""
    batch, length = ops.shape(x)[:2]
    shape = (*positions.shape, *x.shape[2:])
    if x.shape[0] == 0 and None not in shape:  # JAX would lose the axis T
        return ops.zeros(shape, dtype=x.dtype)
    # Takes whole vectors; `ops.take_along_axis` would take single numbers.
    first = ops.expand_dims(ops.arange(batch), -1) * length
    x = ops.reshape(x, (-1, *x.shape[2:]))
    return ops.take(x, positions + first, axis=0)


def reordered(x, order, inverse):
    """Returns `take(x, order)` of a permutation; `None` leaves x as it is."""
    if order is None:
        return x

    @ops.custom_gradient
    def run(x):
        def gradient(*upstream):
            # The gradient of a gather would add vectors, though each position
            # of a permutation has exactly one.
            return take(upstream[0], inverse)

        return take(x, order), gradient

    return run(x)
