"""Padding that cannot spoil what stands beside it."""

from keras import ops


def finite_padding(x, padding_mask):
    """`x` `(B, T, D)` with 0 for what is no finite number at padding.

    A weight of 0 does not keep NaN out of a sum, nor out of a gradient.
    Finite numbers stay as they are.
    """
    real = ops.expand_dims(ops.cast(padding_mask, "bool"), -1)
    # Of false for NaN; LiteRT knows no `isfinite`.
    kept = ops.logical_or(real, ops.abs(x) < float("inf"))
    return ops.where(kept, x, ops.zeros_like(x))
