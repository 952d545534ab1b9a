"""ELMo's stack: independent forward and backward projected LSTMs."""

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_axes,
    check_features,
    check_positive,
    check_rank,
    check_rate,
)
from keras_ctx.layers.base.dropout import drop
from keras_ctx.layers.base.finite_padding import finite_padding
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.token_mask import check_mask, token_mask
from keras_ctx.layers.recurrent.carried_state import check_rows, keep_last
from keras_ctx.layers.recurrent.lstm_loop import lstm_loop
from keras_ctx.layers.recurrent.projected_lstm_cell import ProjectedLSTMCell
from keras_ctx.layers.recurrent.recurrence import with_a_token
from keras_ctx.layers.recurrent.row_order import (
    real_first,
    reordered,
    reversed_order,
    take,
)


@keras.saving.register_keras_serializable(package="keras_ctx")
class BiLM(keras.layers.Layer):
    """Two stacks of LSTMs with projection, one for each direction.

    The stacks are independent: backward layer 2 reads backward layer 1 only.
    Each reads the real tokens of a row and skips padding before, between or
    after them. With `residual`, a layer after the first adds its input (after
    dropout) to its clipped output; the recurrent state does not contain this
    sum.

    Stateless by default: every call starts from zeros, so that the answer of
    a server never depends on earlier requests. With `stateful=True`, row k of
    a batch starts from the state in which row k of the last batch ended, as
    in allenai/bilm-tf and allennlp. There are `max_batch_size` states; a
    smaller batch reads and writes the first of them, the others are kept.
    States carry no gradient, and are saved with the weights.

    With `initial_state="measured"`, every row starts from one state that
    `keras_ctx.models.warm_start` measures on a corpus. It is saved with the
    weights and is not trained. The outputs still depend on the row alone.

    Keras's `Bidirectional` is refused, since this layer reads both directions
    itself. Keras's `TimeDistributed` takes layers with one output: give it a
    model of `BiLM` and `ScalarMix`.

    Args:
        hidden_dim: Number of features of an LSTM's cell.
        projection_dim: Number of features of an LSTM's output, half of the
            result.
        num_layers: Number of LSTMs in each direction.
        cell_clip: Bound on the cell; `None`: no bound.
        projection_clip: Bound on the projected output; `None`: no bound.
        residual: Whether layers after the first add their input.
        dropout: Dropout rate of the input of each LSTM; not applied if the
            layer is frozen (`trainable=False`).
        stateful: Whether to carry the state from call to call.
        max_batch_size: Rows of the carried state; unused without `stateful`.
        initial_state: "zeros", or "measured" for weights `initial_h_...`
            and `initial_c_...` of each LSTM, initially zeros.

    Call arguments:
        inputs: `(B, T, P)`, read by both directions.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`; without one all tokens are real.
        backward_inputs: `(B, T, P)`, a separate text for the backward stack,
            in its reading order, as in the training of language models. Its
            outputs are then in that order, too, and the mask is for both
            texts. `None`: `inputs`, from the last real token.

    Returns:
        A list of `num_layers` tensors `(B, T, 2 * projection_dim)`, the
        forward half first.

    Raises:
        ValueError: A size or a clip is not positive, `dropout` is outside
            [0, 1), `initial_state` is unknown, or "measured" with `stateful`,
            inputs have another rank, the mask has another shape, or a
            stateful layer gets more rows than `max_batch_size` (in a graph
            that does not know the batch size, TensorFlow raises instead).

    Masking:
        Outputs at padding are 0; outputs of real tokens do not depend on
        padding. The Keras mask of `inputs` is passed on.

    Example:
        >>> import numpy as np
        >>> bilm = BiLM(hidden_dim=16, projection_dim=4)
        >>> [tuple(x.shape) for x in bilm(np.ones((1, 3, 4)))]
        [(1, 3, 8), (1, 3, 8)]

    Source:
        Peters et al. 2018, sections 3.1 and 3.4,
        https://arxiv.org/abs/1802.05365; details as in allenai/bilm-tf.

    Differs:
        Stateless by default. bilm-tf has states for 128 rows and fails on
        more; allennlp adds states as needed.
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
        max_batch_size: int = 128,
        initial_state: str = "zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(
            1,
            hidden_dim=hidden_dim,
            projection_dim=projection_dim,
            num_layers=num_layers,
            max_batch_size=max_batch_size,
        )
        check_positive(cell_clip=cell_clip, projection_clip=projection_clip)
        check_rate(dropout=dropout)
        if initial_state not in ("zeros", "measured"):
            raise ValueError(
                '`initial_state` must be "zeros" or "measured". '
                f"Received: initial_state={initial_state!r}"
            )
        if stateful and initial_state == "measured":
            raise ValueError(
                '`initial_state` must be "zeros" if `stateful` is true: a '
                "carried state starts where the last batch ended. "
                f"Received: initial_state={initial_state!r}"
            )
        self.hidden_dim = hidden_dim
        self.projection_dim = projection_dim
        self.num_layers = num_layers
        self.cell_clip = cell_clip
        self.projection_clip = projection_clip
        self.residual = residual
        self.dropout = dropout
        self.stateful = stateful
        self.max_batch_size = max_batch_size
        self.initial_state = initial_state
        self.dropout_layer = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="dropout"
        )
        self.forward_cells = self._make_cells("forward")
        self.backward_cells = self._make_cells("backward")

    def _make_cells(self, direction):
        return [
            ProjectedLSTMCell(
                self.hidden_dim,
                self.projection_dim,
                self.cell_clip,
                self.projection_clip,
                dtype=self.dtype_policy,
                name=f"{direction}_{i}",
            )
            for i in range(self.num_layers)
        ]

    def build(
        self, inputs_shape, padding_mask_shape=None, backward_inputs_shape=None
    ):
        self._check(inputs_shape, padding_mask_shape, backward_inputs_shape)
        for cells in (self.forward_cells, self.backward_cells):
            features = inputs_shape[-1]
            for cell in cells:
                if not cell.built:
                    cell.build((None, features))
                features = self.projection_dim
        self.states = [
            [
                self.add_weight(
                    name=f"state_{part}_{cell.name}",
                    shape=(self.max_batch_size, size),
                    initializer="zeros",
                    trainable=False,
                )
                for part, size in zip("hc", cell.state_size, strict=True)
            ]
            for cell in self.forward_cells + self.backward_cells
            if self.stateful
        ]
        self.initial_states = [
            [
                self.add_weight(
                    name=f"initial_{part}_{cell.name}",
                    shape=(size,),
                    initializer="zeros",
                    trainable=False,  # `lstm_loop` has no gradient for it
                )
                for part, size in zip("hc", cell.state_size, strict=True)
            ]
            for cell in self.forward_cells + self.backward_cells
            if self.initial_state == "measured"
        ]
        freeze_sublayers(self)

    def compute_mask(self, inputs, previous_mask):
        return [previous_mask] * self.num_layers

    def call(
        self,
        inputs,
        padding_mask=None,
        backward_inputs=None,
        training=None,
        mask=None,
        inputs_mask=None,
    ):
        if not self.trainable:
            training = False
        self._check(inputs, padding_mask, backward_inputs)
        if self.stateful:
            check_rows("BiLM", self.max_batch_size, inputs)
        inputs = ops.cast(inputs, self.compute_dtype)  # may be integers
        if backward_inputs is not None:
            backward_inputs = ops.cast(backward_inputs, self.compute_dtype)
        mask = token_mask(inputs, padding_mask, mask, inputs_mask)
        batch, length = ops.shape(inputs)[:2]
        all_real = mask is None
        mask = ops.ones((batch, length), "bool") if all_real else mask
        mask = with_a_token(mask)
        inputs = with_a_token(inputs)
        if backward_inputs is not None:
            backward_inputs = with_a_token(backward_inputs)
        if all_real:
            read = places = None
        else:
            inputs = finite_padding(inputs, mask)
            if backward_inputs is not None:
                backward_inputs = finite_padding(backward_inputs, mask)
            read, places = real_first(mask)
            mask = take(mask, read)
        read_back, places_back = read, places
        if backward_inputs is None:
            backward_inputs = inputs
            order = reversed_order(mask)
            read_back = places_back = order  # its own inverse
            if read is not None:
                read_back, places_back = take(read, order), take(order, places)
        n = self.num_layers
        forward = self._run(
            self.forward_cells,
            self.states[:n],
            self.initial_states[:n],
            reordered(inputs, read, places),
            mask,
            training,
        )
        backward = self._run(
            self.backward_cells,
            self.states[n:],
            self.initial_states[n:],
            reordered(backward_inputs, read_back, places_back),
            mask,
            training,
        )
        return [
            ops.concatenate(
                [
                    reordered(x, places, read),
                    reordered(y, places_back, read_back),
                ],
                axis=-1,
            )[:, :length]
            for x, y in zip(forward, backward, strict=True)
        ]

    def _run(self, cells, states, initial_states, x, padding_mask, training):
        """Computes the outputs `(B, T, P)` of the layers of one direction."""
        real = ops.expand_dims(padding_mask, -1)
        outputs = []
        for i, cell in enumerate(cells):
            x = drop(self.dropout_layer, x, training)
            batch = ops.shape(x)[0]
            h, c = cell.get_initial_state(batch)
            if states:
                # Copies: on PyTorch a slice of a state changes with it, before
                # backpropagation has read it.
                h, c = (
                    ops.copy(ops.cast(state[:batch], x.dtype))
                    for state in states[i]
                )
            if initial_states:
                h, c = (
                    zeros + ops.cast(first, zeros.dtype)
                    for zeros, first in zip(
                        (h, c), initial_states[i], strict=True
                    )
                )
            recurrent, bias, projection = cell.loop_weights()
            hs, cs = lstm_loop(
                cell.project_inputs(x),
                h,
                c,
                recurrent,
                bias,
                projection,
                (cell.cell_clip, cell.projection_clip),
                keep_gates=bool(training),
            )
            if states:
                keep_last(states[i], (h, c), (hs, cs), padding_mask)
            y = ops.where(real, hs, ops.zeros_like(hs))
            x = y + x if self.residual and i > 0 else y
            # The residual also adds the input at padding, which is 0 because
            # the output of the layer below is 0 there.
            outputs.append(x)
        return outputs

    def _check(self, inputs, padding_mask, backward_inputs):
        check_rank(3, inputs=inputs, backward_inputs=backward_inputs)
        check_features(self.forward_cells[0], "kernel", 0, inputs=inputs)
        check_axes("BTD", inputs=inputs, backward_inputs=backward_inputs)
        check_mask(inputs, padding_mask)

    def reset_state(self):
        """Resets the carried state: the next call starts from zeros."""
        for state in self.states:
            for variable in state:
                variable.assign(ops.zeros_like(variable))

    def carrying_state(self, max_batch_size: int, name: str) -> "BiLM":
        """Returns a stateful layer that shares the weights of this one.

        Training one also trains the other; each is saved with all weights.
        """
        twin = BiLM.from_config(
            {
                **self.get_config(),
                "stateful": True,
                "max_batch_size": max_batch_size,
                "initial_state": "zeros",
                "name": name,
            }
        )
        for cells, shared in (
            (twin.forward_cells, self.forward_cells),
            (twin.backward_cells, self.backward_cells),
        ):
            cells.clear()  # or Keras would track cells that are never called
            cells.extend(shared)
        return twin

    def compute_output_shape(
        self, inputs_shape, padding_mask_shape=None, backward_inputs_shape=None
    ):
        self._check(inputs_shape, padding_mask_shape, backward_inputs_shape)
        shape = (*inputs_shape[:2], 2 * self.projection_dim)
        return [shape] * self.num_layers

    @classmethod
    def from_config(cls, config):
        if "go_backwards" in config:
            raise ValueError(
                "`BiLM` reads in both directions itself: use it without "
                "`keras.layers.Bidirectional`. Its outputs hold the forward "
                "half first."
            )
        return super().from_config(config)

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
            "max_batch_size": self.max_batch_size,
            "initial_state": self.initial_state,
        }
