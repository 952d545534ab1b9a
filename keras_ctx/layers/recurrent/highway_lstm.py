"""The LSTM of deep semantic role labelling, with a highway around it."""

from typing import Any

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_features,
    check_rank,
    check_rate,
)
from keras_ctx.layers.base.dropout import noise_like
from keras_ctx.layers.base.orthogonal import Orthogonal
from keras_ctx.layers.base.token_mask import check_mask, token_mask
from keras_ctx.layers.recurrent.recurrence import loop
from keras_ctx.layers.recurrent.row_order import read_rows, reordered

_GATES = 5  # of input, forgetting, candidate, output and highway


@keras.saving.register_keras_serializable(package="keras_ctx")
class HighwayLSTM(keras.layers.Layer):
    """An LSTM in one direction whose output may pass its input on.

    With the sigmoid gates i, f, o and t, the candidate j and a linear map k of
    the input, a step computes `c = f * c + i * tanh(j)` and
    `h = t * o * tanh(c) + (1 - t) * k`. The gates and the candidate read the
    input and the last h, k only the input. Layers are stacked with alternating
    directions: each reads what the layer below it has written.

    It reads the real tokens of a row and skips padding before, between or
    behind them, each row from a state of zeros.

    Args:
        hidden_dim: Number H of features.
        recurrent_dropout: Dropout rate of h, with one mask a row for all
            steps: what is dropped is neither an output nor read by the next
            step. Not applied if the layer is frozen.
        reverse: Whether to read each row from its last real token to its
            first. Outputs are in the order of the tokens.

    Call arguments:
        inputs: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`; without one all tokens are real.

    Returns:
        `(B, T, H)`.

    Raises:
        ValueError: `hidden_dim` is not positive, `recurrent_dropout` is
            outside [0, 1), or `inputs` or the mask have another shape.

    Masking:
        Outputs at padding are 0; outputs of real tokens do not depend on
        padding. The Keras mask of `inputs` is passed on.

    Example:
        >>> import numpy as np
        >>> x = HighwayLSTM(4)(np.ones((1, 3, 2)))
        >>> HighwayLSTM(4, recurrent_dropout=0.1, reverse=True)(x).shape
        TensorShape([1, 3, 4])

    Source:
        He et al. 2017, sections 2.1 to 2.3,
        https://aclanthology.org/P17-1044: also the weights at the start, an
        orthogonal matrix for each gate, and 1 as the bias of f.
    """

    def __init__(
        self,
        hidden_dim: int,
        recurrent_dropout: float = 0.0,
        reverse: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(1, hidden_dim=hidden_dim)
        check_rate(recurrent_dropout=recurrent_dropout)
        self.hidden_dim = hidden_dim
        self.recurrent_dropout = recurrent_dropout
        self.reverse = reverse
        self.seed_generator = keras.random.SeedGenerator()
        self.supports_masking = True
        self.kernel: Any = None

    def build(self, inputs_shape, padding_mask_shape=None):
        self._check(inputs_shape, padding_mask_shape)
        size = self.hidden_dim
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs_shape[-1], (_GATES + 1) * size),
            initializer=_blocks(_GATES + 1),
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(size, _GATES * size),
            initializer=_blocks(_GATES),
        )
        self.bias = self.add_weight(
            name="bias",
            shape=((_GATES + 1) * size,),
            initializer=_forget_at_one(size),
        )

    def call(
        self,
        inputs,
        padding_mask=None,
        training=None,
        mask=None,
        inputs_mask=None,
    ):
        self._check(inputs, padding_mask)
        inputs = ops.cast(inputs, self.compute_dtype)  # may be integers
        mask = token_mask(inputs, padding_mask, mask, inputs_mask)
        length = ops.shape(inputs)[1]
        inputs, read, places, mask = read_rows(inputs, mask, self.reverse)
        gates = ops.add(ops.matmul(inputs, self.kernel), self.bias)
        y: Any = self._steps(
            reordered(gates, read, places), training and self.trainable
        )
        y = ops.where(ops.expand_dims(mask, -1), y, ops.zeros_like(y))
        y = reordered(y, places, read)
        return y[:, :length]

    def _steps(self, gates, training):
        """Returns h at each step, `(B, T, H)`."""
        size = self.hidden_dim
        recurrent = ops.cast(self.recurrent_kernel, self.compute_dtype)
        start = ops.zeros((ops.shape(gates)[0], size), self.compute_dtype)
        kept = None
        if training and self.recurrent_dropout:
            kept = noise_like(
                start, self.recurrent_dropout, self.seed_generator
            )

        def step(x, states):
            h, c = states
            x, k = ops.split(x, [_GATES * size], axis=-1)
            i, f, j, o, t = ops.split(
                x + ops.matmul(h, recurrent), _GATES, axis=-1
            )
            c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(j)
            t = ops.sigmoid(t)
            h = t * ops.sigmoid(o) * ops.tanh(c) + (1 - t) * k
            h = h if kept is None else h * kept
            return h, [h, c]

        return loop(step, gates, [start, start])

    def _check(self, inputs, padding_mask):
        check_rank(3, inputs=inputs)
        if self.kernel is not None:
            check_features(self, "kernel", 0, inputs=inputs)
        check_mask(inputs, padding_mask)

    def compute_output_shape(self, inputs_shape, padding_mask_shape=None):
        self._check(inputs_shape, padding_mask_shape)
        return (*inputs_shape[:2], self.hidden_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "recurrent_dropout": self.recurrent_dropout,
            "reverse": self.reverse,
        }


def _blocks(number: int):
    """Returns an initializer with an orthogonal matrix for each gate."""

    def initialize(shape, dtype=None):
        block = (shape[0], shape[1] // number)
        parts = [Orthogonal()(block, dtype) for _ in range(number)]
        return ops.concatenate(parts, axis=-1)

    return initialize


def _forget_at_one(size: int):
    """Returns an initializer of the bias: 1 for f, 0 for all others."""

    def initialize(shape, dtype=None):
        place = ops.arange(shape[0])
        is_forget = ops.logical_and(place >= size, place < 2 * size)
        return ops.cast(is_forget, dtype)

    return initialize
