"""The mean vector of a row's real tokens."""

import keras
from keras import ops

from keras_ctx.layers.arguments import check_rank


@keras.saving.register_keras_serializable(package="keras_ctx")
class MaskedMean(keras.layers.Layer):
    """Mean over the real tokens of each row; zeros for a row without any.

    `keras.layers.GlobalAveragePooling1D` gives NaN for such a row, and a
    server gets empty texts.

    Call arguments:
        inputs: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token.

    Returns:
        `(B, D)`.

    Raises:
        ValueError: a mask of the wrong rank.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0], [3.0], [9.0]]])
        >>> MaskedMean()(x, np.array([[True, True, False]])).numpy()
        array([[2.]], dtype=float32)
    """

    def call(self, inputs, padding_mask):
        check_rank(2, padding_mask=padding_mask)
        mask = ops.expand_dims(ops.cast(padding_mask, "bool"), -1)
        kept = ops.where(mask, inputs, ops.zeros_like(inputs))
        count = ops.sum(ops.cast(mask, "int32"), axis=1)  # (B, 1)
        # Keras sums half-precision floats in float32.
        total = ops.sum(kept, axis=1)
        return total / ops.cast(ops.maximum(count, 1), total.dtype)

    def compute_output_shape(self, inputs_shape, padding_mask_shape):
        return (inputs_shape[0], inputs_shape[-1])
