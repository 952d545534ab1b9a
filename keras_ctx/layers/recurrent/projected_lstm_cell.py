"""The LSTM cell of ELMo: clipped cell, projected and clipped output."""

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_features,
    check_positive,
    check_rank,
)
from keras_ctx.layers.recurrent.gate_order import TENSORFLOW_1
from keras_ctx.layers.recurrent.lstm_loop import lstm_step, recurrent_gates


@keras.saving.register_keras_serializable(package="keras_ctx")
class ProjectedLSTMCell(keras.layers.Layer):
    """LSTM cell with a linear projection of its output, for `RNN`.

    Column blocks of the weights are in TensorFlow 1's order: input gate i,
    candidate j, forget gate f, output gate o. With x the input, h the last
    output and c the last cell:

        i, j, f, o = split(x W + h U + b)
        c = clip(sigmoid(f + 1) * c + sigmoid(i) * tanh(j))
        h = clip((sigmoid(o) * tanh(c)) P)

    The next step uses the clipped c. The 1 of the forget gate is added here
    and is not part of the bias. Without a projection
    (`projection_dim == hidden_dim`) there is no P and h is not clipped.

    Args:
        hidden_dim: Number of features of the cell c.
        projection_dim: Number of features of the output h.
        cell_clip: Bound on c; `None`: no bound.
        projection_clip: Bound on h; `None`: no bound.

    Call arguments:
        inputs: `(B, D)`, one step.
        states: `[h, c]`: `(B, projection_dim)` and `(B, hidden_dim)`.

    Returns:
        The output `(B, projection_dim)` and the new `[h, c]`.

    Raises:
        ValueError: A size or a clip is not positive, or `inputs` has another
            rank.

    Example:
        >>> import keras, numpy as np
        >>> rnn = keras.layers.RNN(ProjectedLSTMCell(8, 4))
        >>> tuple(rnn(np.ones((2, 5, 3))).shape)
        (2, 4)

    Source:
        Sak et al. 2014, https://arxiv.org/abs/1402.1128, without peepholes;
        clips and forget bias as in allenai/bilm-tf.

    Differs:
        Keras orders the gates i, f, c, o and has the forget gate's 1 in the
        bias.
    """

    def __init__(
        self,
        hidden_dim: int,
        projection_dim: int,
        cell_clip: float | None = 3.0,
        projection_clip: float | None = 3.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(1, hidden_dim=hidden_dim, projection_dim=projection_dim)
        check_positive(cell_clip=cell_clip, projection_clip=projection_clip)
        self.hidden_dim = hidden_dim
        self.projection_dim = projection_dim
        self.cell_clip = cell_clip
        self.projection_clip = projection_clip
        self.state_size = [projection_dim, hidden_dim]
        self.output_size = projection_dim

    def build(self, inputs_shape, states_shape=None):
        check_rank(2, inputs=inputs_shape)
        gates = 4 * self.hidden_dim
        # Input and recurrent kernel as one Glorot matrix, as in the reference.
        limit = (6 / (inputs_shape[-1] + self.projection_dim + gates)) ** 0.5
        self.kernel, self.recurrent_kernel = (
            self.add_weight(
                name=name,
                shape=(rows, gates),
                initializer=keras.initializers.RandomUniform(-limit, limit),
            )
            for name, rows in (
                ("kernel", inputs_shape[-1]),
                ("recurrent_kernel", self.projection_dim),
            )
        )
        self.bias = self.add_weight(
            name="bias", shape=(gates,), initializer="zeros"
        )
        self.projection_kernel = (
            None
            if self.projection_dim == self.hidden_dim
            else self.add_weight(
                name="projection_kernel",
                shape=(self.hidden_dim, self.projection_dim),
                initializer="glorot_uniform",
            )
        )

    def project_inputs(self, inputs):
        """Returns `x W`: the part of the gates that needs no state."""
        return ops.matmul(inputs, self.kernel)

    def loop_weights(self):
        """Returns the other weights as plain tensors, for `lstm_loop`."""
        recurrent, bias, projection = (
            None if weight is None else ops.cast(weight, self.compute_dtype)
            for weight in (
                self.recurrent_kernel,
                self.bias,
                self.projection_kernel,
            )
        )
        return recurrent, bias, projection

    def call(self, inputs, states):
        check_rank(2, inputs=inputs)
        check_features(self, "kernel", 0, inputs=inputs)
        inputs, h, c = (
            ops.cast(x, self.compute_dtype) for x in (inputs, *states)
        )
        z = self.project_inputs(inputs) + recurrent_gates(
            h, self.recurrent_kernel, self.bias
        )
        h, c = lstm_step(
            TENSORFLOW_1.activated(z),
            c,
            self.projection_kernel,
            self.cell_clip,
            self.projection_clip,
        )
        return h, [h, c]

    def get_initial_state(self, batch_size=None):
        return [
            ops.zeros((batch_size, size), dtype=self.compute_dtype)
            for size in self.state_size
        ]

    def compute_output_shape(self, inputs_shape, states_shape=None):
        check_rank(2, inputs=inputs_shape)
        check_features(self, "kernel", 0, inputs=inputs_shape)
        h = (inputs_shape[0], self.projection_dim)
        return h, [h, (inputs_shape[0], self.hidden_dim)]

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "projection_dim": self.projection_dim,
            "cell_clip": self.cell_clip,
            "projection_clip": self.projection_clip,
        }
