"""The vectors at chosen positions of each row."""

import keras
from keras import ops

from keras_ctx.layers.ids import IdsLayer, as_ids


@keras.saving.register_keras_serializable(package="keras_ctx")
class GatherPositions(IdsLayer):
    """Row-wise selection, so that a head computes on few positions only.

    Call arguments:
        inputs: `(B, T, D)`.
        positions: Integers `(B, M)`, from 0 to T - 1.

    Returns:
        `(B, M, D)`.

    Example:
        >>> import numpy as np
        >>> x = np.arange(6.0).reshape(1, 3, 2)
        >>> GatherPositions()(x, np.array([[2, 0]])).numpy()
        array([[[4., 5.],
                [0., 1.]]], dtype=float32)
    """

    def call(self, inputs, positions):
        inputs = ops.cast(inputs, self.compute_dtype)
        positions = ops.expand_dims(as_ids(positions), -1)
        return ops.take_along_axis(inputs, positions, axis=1)

    def compute_output_shape(self, inputs_shape, positions_shape):
        return (*positions_shape, inputs_shape[-1])
