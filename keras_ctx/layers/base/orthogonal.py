"""Orthogonal initial weights in every dtype."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_ctx")
class Orthogonal(keras.initializers.Orthogonal):
    """`keras.initializers.Orthogonal`, computed in float32 or float64.

    TensorFlow has no QR decomposition in bfloat16.
    """

    def __call__(self, shape, dtype=None):
        dtype = keras.backend.standardize_dtype(dtype)
        computed = "float64" if dtype == "float64" else "float32"
        return ops.cast(super().__call__(shape, computed), dtype)
