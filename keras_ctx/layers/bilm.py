"""ELMo's stack: independent forward and backward projected LSTMs."""

import keras
from keras import ops

from keras_ctx.layers.arguments import (
    check_positive,
    check_positive_int,
    check_rank,
    check_rate,
)
from keras_ctx.layers.frozen import freeze_sublayers
from keras_ctx.layers.projected_lstm_cell import ProjectedLSTMCell


class _StepCell(ProjectedLSTMCell):
    """The cell without its input matmul, which `BiLM` does for all steps."""

    def call(self, inputs, states):
        return self.step(inputs, states)


@keras.saving.register_keras_serializable(package="keras_ctx")
class BiLM(keras.layers.Layer):
    """Two stacks of LSTMs with projection, one reading each way.

    The stacks are independent: backward layer 2 reads backward layer 1 only.
    The backward stack reads each row from its own last real token. With
    `residual`, a layer after the first adds its (dropped-out) input to its
    output after the clip; the recurrent state does not contain the sum. Past
    the end of a row outputs are 0 and the state stays that of the last token.

    Stateless by default: every call starts from zeros, so that a served
    answer never depends on the request before. With `stateful=True` row k of
    a batch goes on where row k of the last one ended, which is what
    allenai/bilm-tf and allennlp do; the batch size is then fixed.

    Args:
        hidden_dim: Features of an LSTM's cell.
        projection_dim: Features of an LSTM's output, half of a result.
        num_layers: LSTMs in each direction.
        cell_clip: Bound on the cell; `None` for none.
        projection_clip: Bound on the projected output; `None` for none.
        residual: Whether layers after the first add their input.
        dropout: Share of the input of each LSTM dropped in training, unless
            the layer is frozen (`trainable=False`).
        stateful: Whether to carry the state from call to call.

    Call arguments:
        inputs: `(B, T, P)`; both directions read the same.
        padding_mask: Booleans `(B, T)`, true = real token; real tokens come
            first in a row. `None`: all are real.

    Returns:
        A list of `num_layers` tensors `(B, T, 2 * projection_dim)`, the
        forward half first.

    Raises:
        ValueError: a size or a clip is not positive, a rate outside [0, 1),
            or a mask of the wrong rank.

    Masking:
        Outputs at padding are 0; real outputs do not depend on the padding.

    Example:
        >>> import numpy as np
        >>> bilm = BiLM(hidden_dim=16, projection_dim=4)
        >>> [x.shape for x in bilm(np.ones((1, 3, 4)))]
        [TensorShape([1, 3, 8]), TensorShape([1, 3, 8])]

    Source:
        Peters et al. 2018, sections 3.1 and 3.4,
        https://arxiv.org/abs/1802.05365; details as in allenai/bilm-tf.

    Differs:
        Stateless by default.
    """

    def __init__(
        self,
        hidden_dim: int,
        projection_dim: int,
        num_layers: int = 2,
        cell_clip: float | None = 3.0,
        projection_clip: float | None = 3.0,
        residual: bool = True,
        dropout: float = 0.0,
        stateful: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive_int(
            hidden_dim=hidden_dim,
            projection_dim=projection_dim,
            num_layers=num_layers,
        )
        check_positive(cell_clip=cell_clip, projection_clip=projection_clip)
        check_rate(dropout=dropout)
        self.hidden_dim = hidden_dim
        self.projection_dim = projection_dim
        self.num_layers = num_layers
        self.cell_clip = cell_clip
        self.projection_clip = projection_clip
        self.residual = residual
        self.dropout = dropout
        self.stateful = stateful
        self.dropout_layer = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="dropout"
        )

    def build(self, inputs_shape, padding_mask_shape=None):
        self.forward_layers = self._build_stack("forward", inputs_shape)
        self.backward_layers = self._build_stack("backward", inputs_shape)
        freeze_sublayers(self)

    def _build_stack(self, direction, inputs_shape):
        batch, length, features = inputs_shape
        stack = []
        for i in range(self.num_layers):
            cell = _StepCell(
                self.hidden_dim,
                self.projection_dim,
                self.cell_clip,
                self.projection_clip,
                dtype=self.dtype_policy,
                # Made outside the RNN, so its name alone tells weights apart.
                name=f"{direction}_{i}",
            )
            cell.build((batch, features if i == 0 else self.projection_dim))
            rnn = keras.layers.RNN(
                cell,
                return_sequences=True,
                zero_output_for_mask=True,
                stateful=self.stateful,
                dtype=self.dtype_policy,
                name=f"{direction}_{i}",
            )
            rnn.build((batch, length, 4 * self.hidden_dim))
            stack.append(rnn)
        return stack

    def call(self, inputs, padding_mask=None, training=None):
        if not self.trainable:
            training = False
        check_rank(2, padding_mask=padding_mask)
        if padding_mask is None:
            padding_mask = ops.ones(ops.shape(inputs)[:2], dtype="bool")
        padding_mask = ops.cast(padding_mask, "bool")
        order = reversed_order(padding_mask)
        forward = self._run_stack(
            self.forward_layers, inputs, padding_mask, training
        )
        backward = self._run_stack(
            self.backward_layers, take(inputs, order), padding_mask, training
        )
        return [
            ops.concatenate([f, take(b, order)], axis=-1)
            for f, b in zip(forward, backward, strict=True)
        ]

    def _run_stack(self, stack, x, padding_mask, training):
        outputs = []
        for i, rnn in enumerate(stack):
            x = self.dropout_layer(x, training=training)
            y = rnn(rnn.cell.project_inputs(x), mask=padding_mask)
            x = y + x if self.residual and i > 0 else y
            outputs.append(x)
        # The residual brings a dropped input into padding; it is 0 there
        # because the layer below is.
        return outputs

    def reset_state(self):
        """Forget the carried state: the next call starts from zeros."""
        for rnn in self.forward_layers + self.backward_layers:
            rnn.reset_state()

    def compute_output_shape(self, inputs_shape, padding_mask_shape=None):
        shape = (*inputs_shape[:2], 2 * self.projection_dim)
        return [shape] * self.num_layers

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "projection_dim": self.projection_dim,
            "num_layers": self.num_layers,
            "cell_clip": self.cell_clip,
            "projection_clip": self.projection_clip,
            "residual": self.residual,
            "dropout": self.dropout,
            "stateful": self.stateful,
        }


def reversed_order(padding_mask):
    """Positions `(B, T)` that reverse each row's real part; its own inverse."""
    positions = ops.expand_dims(ops.arange(ops.shape(padding_mask)[1]), 0)
    lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1, keepdims=True)
    return ops.where(positions < lengths, lengths - 1 - positions, positions)


def take(x, positions):
    """Row-wise `x[b, positions[b, t]]`: `(B, T, D)` reordered along T."""
    return ops.take_along_axis(x, ops.expand_dims(positions, -1), axis=1)
