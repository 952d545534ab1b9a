"""Keeps NaN and infinity at padding out of the other positions."""

from keras import ops


def finite_padding(x, padding_mask):
    """Returns `x` `(B, T, D)` with 0 for padding of NaN or infinity.

    A weight of 0 does not keep NaN out of a sum or a gradient. Finite numbers
    stay as they are, unless their sum is infinite.
    """
    real = ops.expand_dims(ops.cast(padding_mask, "bool"), -1)
    # One test for all numbers of a token: a sum with NaN or infinity in it is
    # not finite either. False for NaN, too; LiteRT does not have `isfinite`.
    total = ops.abs(ops.sum(x, axis=-1, keepdims=True))
    kept = ops.logical_or(real, total < float("inf"))
    return ops.where(kept, x, ops.zeros_like(x))
