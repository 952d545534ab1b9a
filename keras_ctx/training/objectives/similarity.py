"""Cosines and distances of the texts of a row, for the losses of embedders."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def check_columns(fewest: int, y_pred: Any, exactly: bool = False) -> None:
    """Refuses vectors of another shape than `(B, N, D)` with N texts a row.

    Args:
        fewest: Fewest texts of a row.
        y_pred: The vectors.
        exactly: Whether a row must have exactly this number.
    """
    shape = y_pred.shape
    if len(shape) == 3 and shape[1] is not None:
        if shape[1] == fewest or (shape[1] > fewest and not exactly):
            return
    rule = "" if exactly else "at least "
    raise ValueError(
        f"`y_pred` must be the vectors (B, N, D) of {rule}{fewest} texts a "
        f"row. Received: shape {tuple(shape)}"
    )


def unit_vectors(vectors: Any) -> Any:
    """Returns float vectors of length 1; zeros stay zeros."""
    return ops.normalize(as_floats(vectors), axis=-1, order=2, epsilon=1e-12)


def as_floats(vectors: Any) -> Any:
    """Returns float32, or float64 as it is."""
    if keras.backend.standardize_dtype(vectors.dtype) == "float64":
        return vectors
    return ops.cast(vectors, "float32")


def cosines(x: Any, y: Any) -> Any:
    """Returns the cosine of each pair of vectors `(..., D)`."""
    return ops.sum(unit_vectors(x) * unit_vectors(y), axis=-1)


def _cosine_distance(x: Any, y: Any) -> Any:
    return 1 - cosines(x, y)


def _euclidean_distance(x: Any, y: Any) -> Any:
    squares = ops.sum(ops.square(as_floats(x) - as_floats(y)), axis=-1)
    # The root has no gradient at 0, where equal vectors get the gradient 0.
    positive = squares > 0
    root = ops.sqrt(ops.where(positive, squares, ops.ones_like(squares)))
    return ops.where(positive, root, ops.zeros_like(squares))


DISTANCES: dict[str, Callable[[Any, Any], Any]] = {
    "euclidean": _euclidean_distance,
    "cosine": _cosine_distance,
}
"""Distances of vectors `(..., D)`, by name."""
