"""Keeps NaN and infinity at padding out of the other positions."""

from keras import ops


def finite_padding(x, padding_mask):
    """Returns `x` `(B, T, D)` with 0 for NaN and infinity at padding.

    A weight of 0 does not keep NaN out of a sum or a gradient. Finite numbers
    stay as they are.
    """
    real = ops.expand_dims(ops.cast(padding_mask, "bool"), -1)
    # False for NaN, too; LiteRT does not have `isfinite`.
    kept = ops.logical_or(real, ops.abs(x) < float("inf"))
    return ops.where(kept, x, ops.zeros_like(x))
