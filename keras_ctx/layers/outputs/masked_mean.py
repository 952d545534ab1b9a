"""The mean vector of a row's real tokens."""

import keras
from keras import ops

from keras_ctx.checks import check_rank
from keras_ctx.layers.base.token_mask import check_mask, needed_mask


@keras.saving.register_keras_serializable(package="keras_ctx")
class MaskedMean(keras.layers.Layer):
    """Mean over the real tokens of each row; zeros for a row without any.

    For a row without tokens `keras.layers.GlobalAveragePooling1D` returns
    NaN, and a server receives empty texts.

    Call arguments:
        inputs: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`.

    Returns:
        `(B, D)`.

    Raises:
        ValueError: `inputs` has another rank, the mask has another shape, or
            there is no mask.

    Masking:
        No mask is passed on: the output has no tokens.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0], [3.0], [9.0]]])
        >>> np.asarray(MaskedMean()(x, np.array([[True, True, False]])))
        array([[2.]], dtype=float32)
    """

    def compute_mask(self, inputs, previous_mask):
        return None

    def call(self, inputs, padding_mask=None, mask=None):
        check_rank(3, inputs=inputs)
        mask = needed_mask(
            inputs,
            padding_mask,
            mask,
            " If all tokens are real, use `GlobalAveragePooling1D`.",
        )
        mask = ops.expand_dims(mask, -1)
        kept = ops.where(mask, inputs, ops.zeros_like(inputs))
        count = ops.sum(ops.cast(mask, "int32"), axis=1)  # (B, 1)
        # Keras sums half-precision floats in float32.
        total = ops.sum(kept, axis=1)
        return total / ops.cast(ops.maximum(count, 1), total.dtype)

    def compute_output_shape(self, inputs_shape, padding_mask_shape=None):
        check_rank(3, inputs=inputs_shape)
        check_mask(inputs_shape, padding_mask_shape)
        return (inputs_shape[0], inputs_shape[-1])
