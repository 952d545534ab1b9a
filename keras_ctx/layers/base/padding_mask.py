"""The padding mask of a batch of ids."""

import keras
from keras import ops

from keras_ctx.checks import check_dense, shape_of


@keras.saving.register_keras_serializable(package="keras_ctx")
class PaddingMask(keras.layers.Layer):
    """Computes a padding mask from ids: true where an id is not 0.

    Call arguments:
        ids: Character ids `(B, T, C)` or word ids `(B, T)`, 0 = no token.

    Returns:
        Booleans `(B, T)`.

    Raises:
        ValueError: `ids` has another rank.

    Example:
        >>> import numpy as np
        >>> np.asarray(PaddingMask()(np.array([[[259, 98, 260], [0, 0, 0]]])))
        array([[ True, False]])
    """

    def call(self, ids):
        self._check(ids)
        real = ops.not_equal(ids, 0)
        return real if len(ids.shape) == 2 else ops.any(real, axis=-1)

    def _check(self, ids):
        check_dense(ids=ids)
        if len(shape_of(ids)) not in (2, 3):
            raise ValueError(
                "`ids` must have 2 axes (words) or 3 axes (characters). "
                f"Received: shape={shape_of(ids)}"
            )

    def compute_output_shape(self, ids_shape):
        return tuple(ids_shape[:2])

    def compute_output_spec(self, ids):
        self._check(ids)
        return keras.KerasTensor(ids.shape[:2], dtype="bool")
