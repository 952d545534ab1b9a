"""The dtype of losses and scores: float32, or float64 where asked for."""

from keras import ops


def at_least_float32(x):
    """Returns a tensor in float32, or in float64 if it is."""
    return x if x.dtype == "float64" else ops.cast(x, "float32")
