"""Positions as sines and cosines, which need no table."""

import math

import keras
from keras import ops

from keras_ctx.checks import check_axes, check_choice, check_rank
from keras_ctx.layers.base.ids import as_ids

FORMS = ("interleaved", "halves", "tensor2tensor")


@keras.saving.register_keras_serializable(package="keras_ctx")
class SinePositions(keras.layers.Layer):
    """Adds sines and cosines of the position to each vector.

    For p from 0 and pair i of D / 2, the angle is `p / 10000 ** (2 i / D)`.
    Implementations order the numbers differently, and weights that were
    trained with one order are wrong with another:

    * "interleaved", as in the paper: sine and cosine of pair i beside each
      other;
    * "halves", as in Marian: first all sines, then all cosines;
    * "tensor2tensor": as "halves", with the angle
      `p / 10000 ** (i / (D / 2 - 1))`, as in fairseq, too.

    The positions are computed in float32 under every policy, since bfloat16
    cannot hold whole numbers above 256.

    Args:
        form: The order of the numbers.

    Call arguments:
        inputs: `(B, T, D)`.
        position_ids: Integers `(B, T)`; `None` counts the tokens of each row.

    Returns:
        `(B, T, D)`.

    Raises:
        ValueError: An unknown form, or a wrong rank or shape.

    Masking:
        Padding has positions like any token. The Keras mask is passed on.

    Example:
        >>> import numpy as np
        >>> np.asarray(SinePositions()(np.zeros((1, 2, 4))))[0].round(2)
        array([[0.  , 1.  , 0.  , 1.  ],
               [0.84, 0.54, 0.01, 1.  ]], dtype=float32)

    Source:
        Vaswani et al. 2017, section 3.5, https://arxiv.org/abs/1706.03762;
        tensor2tensor: `get_timing_signal_1d` of
        https://github.com/tensorflow/tensor2tensor.
    """

    def __init__(self, form: str = "interleaved", **kwargs):
        super().__init__(**kwargs)
        check_choice(FORMS, form=form)
        self.form = form
        self.supports_masking = True

    def build(self, inputs_shape, position_ids_shape=None):
        self._check(inputs_shape, position_ids_shape)

    def call(self, inputs, position_ids=None):
        self._check(inputs, position_ids)
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        if position_ids is None:
            positions = ops.arange(ops.shape(inputs)[1], dtype="int32")[None]
        else:
            positions = as_ids(position_ids)
        x = ops.cast(positions, dtype)[..., None]  # (B or 1, T, 1)
        sines = ops.cast(_sines(x, inputs.shape[-1], self.form), dtype)
        return ops.cast(ops.cast(inputs, dtype) + sines, self.compute_dtype)

    def _check(self, inputs, position_ids):
        check_rank(3, inputs=inputs)
        check_rank(2, position_ids=position_ids)
        check_axes("BT", inputs=inputs, position_ids=position_ids)

    def compute_output_shape(self, inputs_shape, position_ids_shape=None):
        self._check(inputs_shape, position_ids_shape)
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "form": self.form}


def _sines(positions, hidden_dim: int, form: str):
    """Returns the numbers `(..., D)` of positions `(..., 1)`."""
    pairs = (hidden_dim + 1) // 2
    step = 2 / hidden_dim
    if form == "tensor2tensor":
        pairs = hidden_dim // 2
        step = 1 / max(pairs - 1, 1)
    rates = [math.exp(-math.log(10000) * i * step) for i in range(pairs)]
    angles = positions * ops.convert_to_tensor(rates, dtype=positions.dtype)
    sines, cosines = ops.sin(angles), ops.cos(angles)
    if form == "interleaved":
        x = ops.stack([sines, cosines], axis=-1)
        shape = (*ops.shape(x)[:-2], 2 * pairs)
        return ops.reshape(x, shape)[..., :hidden_dim]
    x = ops.concatenate([sines, cosines], axis=-1)[..., :hidden_dim]
    if 2 * pairs < hidden_dim:  # tensor2tensor pads an odd size with 0
        x = ops.concatenate([x, ops.zeros_like(positions)], axis=-1)
    return x
