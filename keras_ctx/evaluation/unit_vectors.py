"""Vectors of length 1."""

import numpy as np


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """Scales vectors `(n, D)` to length 1; zeros stay zeros.

    Example:
        >>> unit_vectors(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)
