"""Which words of a batch of ids are real."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_ctx")
class PaddingMask(keras.layers.Layer):
    """True where a word has any character, or an id.

    Call arguments:
        ids: Characters `(B, T, C)` or words `(B, T)`, 0 = no token here.

    Returns:
        Booleans `(B, T)`.

    Example:
        >>> import numpy as np
        >>> PaddingMask()(np.array([[[259, 98, 260], [0, 0, 0]]])).numpy()
        array([[ True, False]])
    """

    def call(self, ids):
        real = ops.not_equal(ids, 0)
        return real if len(ids.shape) == 2 else ops.any(real, axis=-1)

    def compute_output_shape(self, ids_shape):
        return tuple(ids_shape[:2])

    def compute_output_spec(self, ids):
        return keras.KerasTensor(ids.shape[:2], dtype="bool")
