"""Which words of a batch of character ids are real."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_ctx")
class PaddingMask(keras.layers.Layer):
    """True where a word has any character.

    Call arguments:
        char_ids: Integers `(B, T, C)`, 0 = no token here.

    Returns:
        Booleans `(B, T)`.

    Example:
        >>> import numpy as np
        >>> PaddingMask()(np.array([[[259, 98, 260], [0, 0, 0]]])).numpy()
        array([[ True, False]])
    """

    def call(self, char_ids):
        return ops.any(ops.not_equal(char_ids, 0), axis=-1)

    def compute_output_shape(self, char_ids_shape):
        return tuple(char_ids_shape[:-1])

    def compute_output_spec(self, char_ids):
        return keras.KerasTensor(char_ids.shape[:-1], dtype="bool")
