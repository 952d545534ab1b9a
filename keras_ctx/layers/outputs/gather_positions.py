"""Gathers the vectors at chosen positions of each row."""

import keras
from keras import ops

from keras_ctx.checks import check_axes, check_rank
from keras_ctx.layers.base.embedding_lookup import known_ids
from keras_ctx.layers.base.ids import IdsLayer, as_ids, check_ids


@keras.saving.register_keras_serializable(package="keras_ctx")
class GatherPositions(IdsLayer):
    """Gathers positions of each row, so that a head computes only on these.

    Call arguments:
        inputs: `(B, T, D)`.
        positions: Integers `(B, M)`, from 0 to T - 1.

    Returns:
        `(B, M, D)`; in a graph NaN for a position outside the row.

    Raises:
        ValueError: An argument has another rank, the batch sizes differ, or,
            run eagerly, a position is outside the row.

    Masking:
        No mask is passed on: every chosen position counts.

    Example:
        >>> import numpy as np
        >>> x = np.arange(6.0).reshape(1, 3, 2)
        >>> np.asarray(GatherPositions()(x, np.array([[2, 0]])))
        array([[[4., 5.],
                [0., 1.]]], dtype=float32)
    """

    def compute_mask(self, inputs, previous_mask):
        return None

    def call(self, inputs, positions):
        self._check(inputs, positions)
        inputs = ops.cast(inputs, self.compute_dtype)
        positions = as_ids(positions)
        length = ops.shape(inputs)[1]
        check_ids(length, "the length of a row is", positions=positions)
        known = ops.expand_dims(known_ids(positions, length), -1)
        positions = ops.where(known, ops.expand_dims(positions, -1), 0)
        vectors = ops.take_along_axis(inputs, positions, axis=1)
        return ops.where(known, vectors, ops.cast(float("nan"), vectors.dtype))

    def _check(self, inputs, positions):
        check_rank(3, inputs=inputs)
        check_rank(2, positions=positions)
        check_axes("B", inputs=inputs, positions=positions)

    def compute_output_shape(self, inputs_shape, positions_shape):
        self._check(inputs_shape, positions_shape)
        return (*positions_shape, inputs_shape[-1])
