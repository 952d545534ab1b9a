"""The LSTM of AWD-LSTM and CoVe, with dropout of its recurrent weights."""

from typing import Any

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
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.token_mask import check_mask, token_mask
from keras_ctx.layers.recurrent.carried_state import (
    check_rows,
    keep_last,
    last_states,
)
from keras_ctx.layers.recurrent.gate_order import KERAS
from keras_ctx.layers.recurrent.lstm_loop import lstm_loop
from keras_ctx.layers.recurrent.row_order import read_rows, reordered


@keras.saving.register_keras_serializable(package="keras_ctx")
class WeightDroppedLSTM(keras.layers.Layer):
    """An LSTM whose recurrent weights are dropped in training.

    Gates and weights are those of `keras.layers.LSTM` and of PyTorch: the
    blocks of columns are input gate, forget gate, candidate, output gate, and
    nothing is added to the forget gate. The dropout is ordinary inverted
    dropout of the recurrent kernel: one mask a call, the same for all rows
    and steps. The input kernel and the bias are never dropped.

    It reads the real tokens of a row and skips padding before, between or
    behind them. Stateless by default: a call starts from zeros or from
    `initial_state`. With `stateful=True` row k of a batch starts from the
    state in which row k of the last batch ended, without a gradient
    (truncated backpropagation); see `BiLM`.

    Args:
        hidden_dim: Number H of features of the cell and of the output.
        weight_dropout: Dropout rate of the recurrent kernel; not applied if
            the layer is frozen.
        reverse: Whether to read each row from its last real token to its
            first. Outputs are in the order of the tokens.
        return_state: Whether to return the last states, too.
        stateful: Whether to carry the state from call to call.
        max_batch_size: Rows of the carried state; unused without `stateful`.
        uniform_bound: Bound of the uniform initial values of all weights;
            `None`: `hidden_dim ** -0.5`, as in PyTorch.
        bptt: Number of tokens of a window. The real tokens of a row are split
            into windows, from the first that is read, and gradients do not
            pass from a window to the one before (truncated backpropagation).
            Outputs do not depend on it. `None`: gradients pass through the
            whole row.

    Call arguments:
        inputs: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`; without one all tokens are real.
        initial_state: `[h, c]`, each `(B, H)`; `None`: zeros.

    Returns:
        `(B, T, H)`; with `return_state` a list of it and of h and c `(B, H)`
        after the last token read, which for a row without tokens are those
        that it began with. Gradients pass through all of them.

    Raises:
        ValueError: A size is not positive, `weight_dropout` is outside
            [0, 1), inputs or states have another rank or number of features,
            the mask has another shape, or a stateful layer gets
            `initial_state` or more rows than `max_batch_size`.

    Masking:
        Outputs at padding are 0; outputs of real tokens do not depend on
        padding. The Keras mask of `inputs` is passed on.

    Example:
        >>> import numpy as np
        >>> lstm = WeightDroppedLSTM(4, weight_dropout=0.5, return_state=True)
        >>> [tuple(x.shape) for x in lstm(np.ones((1, 3, 2)))]
        [(1, 3, 4), (1, 4), (1, 4)]

    Source:
        Merity et al. 2018, section 2, https://arxiv.org/abs/1708.02182; as in
        salesforce/awd-lstm-lm.

    Differs:
        PyTorch has two biases, whose sum is the bias here. There the sum
        begins larger by the square root of 2 and, since both are trained,
        moves twice as far in a step of SGD or Adam.
    """

    def __init__(
        self,
        hidden_dim: int,
        weight_dropout: float = 0.0,
        reverse: bool = False,
        return_state: bool = False,
        stateful: bool = False,
        max_batch_size: int = 128,
        uniform_bound: float | None = None,
        bptt: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(1, hidden_dim=hidden_dim, max_batch_size=max_batch_size)
        if bptt is not None:
            check_at_least(1, bptt=bptt)
        check_rate(weight_dropout=weight_dropout)
        check_positive(uniform_bound=uniform_bound)
        self.hidden_dim = hidden_dim
        self.weight_dropout = weight_dropout
        self.reverse = reverse
        self.return_state = return_state
        self.stateful = stateful
        self.max_batch_size = max_batch_size
        self.uniform_bound = uniform_bound
        self.bptt = bptt
        self.dropout_layer = keras.layers.Dropout(
            weight_dropout, dtype=self.dtype_policy, name="weight_dropout"
        )
        self.kernel: Any = None
        self.recurrent_kernel: Any = None
        self.bias: Any = None

    def build(
        self, inputs_shape, padding_mask_shape=None, initial_state_shape=None
    ):
        self._check(inputs_shape, padding_mask_shape, initial_state_shape)
        if self.kernel is None:  # else they are those of another layer
            bound = self.uniform_bound or self.hidden_dim**-0.5
            gates = 4 * self.hidden_dim
            self.kernel, self.recurrent_kernel, self.bias = (
                self.add_weight(
                    name=name,
                    shape=shape,
                    initializer=keras.initializers.RandomUniform(-bound, bound),
                )
                for name, shape in (
                    ("kernel", (inputs_shape[-1], gates)),
                    ("recurrent_kernel", (self.hidden_dim, gates)),
                    ("bias", (gates,)),
                )
            )
        self.states = [
            self.add_weight(
                name=f"state_{part}",
                shape=(self.max_batch_size, self.hidden_dim),
                initializer="zeros",
                trainable=False,
            )
            for part in "hc"
            if self.stateful
        ]
        freeze_sublayers(self)

    def compute_mask(self, inputs, previous_mask):
        return (
            [previous_mask, None, None]
            if self.return_state
            else (previous_mask)
        )

    def call(
        self,
        inputs,
        padding_mask=None,
        initial_state=None,
        training=None,
        mask=None,
        inputs_mask=None,
    ):
        if not self.trainable:
            training = False
        self._check(inputs, padding_mask, initial_state)
        if self.stateful:
            check_rows("LSTM", self.max_batch_size, inputs)
        inputs = ops.cast(inputs, self.compute_dtype)  # may be integers
        mask = token_mask(inputs, padding_mask, mask, inputs_mask)
        batch, length = ops.shape(inputs)[:2]
        inputs, read, places, mask = read_rows(inputs, mask, self.reverse)
        h, c = self._first_states(batch, initial_state)
        recurrent = ops.cast(self.recurrent_kernel, self.compute_dtype)
        hs, cs = lstm_loop(
            ops.matmul(reordered(inputs, read, places), self.kernel),
            *(h, c),
            drop(self.dropout_layer, recurrent, training),
            ops.cast(self.bias, self.compute_dtype),
            keep_gates=bool(training),
            order=KERAS,
            state_gradient=self.return_state or initial_state is not None,
            bptt=self.bptt,
        )
        if self.stateful:
            keep_last(self.states, (h, c), (hs, cs), mask)
        y: Any = ops.where(ops.expand_dims(mask, -1), hs, ops.zeros_like(hs))
        y = reordered(y, places, read)
        y = y[:, :length]
        if not self.return_state:
            return y
        return [y, *last_states((h, c), (hs, cs), mask)]

    def _first_states(self, batch, initial_state):
        dtype = self.compute_dtype
        if initial_state is not None:
            return [ops.cast(state, dtype) for state in initial_state]
        if not self.stateful:
            return [ops.zeros((batch, self.hidden_dim), dtype=dtype)] * 2
        # Copies: on PyTorch a slice of a state changes with it, before
        # backpropagation has read it.
        return [ops.copy(ops.cast(x[:batch], dtype)) for x in self.states]

    def _check(self, inputs, padding_mask, initial_state):
        check_rank(3, inputs=inputs)
        if self.kernel is not None:
            check_features(self, "kernel", 0, inputs=inputs)
        check_mask(inputs, padding_mask)
        if initial_state is not None:
            if not isinstance(initial_state, list | tuple) or (
                len(initial_state) != 2
            ):
                raise ValueError(
                    "`initial_state` must be a list of h and c, each `(B, "
                    f"{self.hidden_dim})`. Received: "
                    f"{getattr(initial_state, 'shape', initial_state)}"
                )
            self._check_states(inputs, *initial_state)

    def _check_states(self, inputs, h, c):
        if self.stateful:
            raise ValueError(
                "`initial_state` is for a layer that is not stateful: a "
                "carried state starts where the last batch ended. Received: "
                "stateful=True"
            )
        states = {"initial_state[0]": h, "initial_state[1]": c}
        check_rank(2, **states)
        check_axes("B", inputs=inputs, **states)
        if self.kernel is not None:
            check_features(self, "recurrent_kernel", 0, **states)

    def reset_state(self):
        """Resets the carried state: the next call starts from zeros."""
        for state in self.states:
            state.assign(ops.zeros_like(state))

    def carrying_state(
        self, max_batch_size: int, name: str
    ) -> "WeightDroppedLSTM":
        """Returns a stateful layer that shares the weights of this one.

        Training one also trains the other; each is saved with all weights.
        """
        return self._twin(
            stateful=True, max_batch_size=max_batch_size, name=name
        )

    def returning_state(self, name: str) -> "WeightDroppedLSTM":
        """Returns a layer of the same weights that also returns its states.

        It is not stateful: it reads a text in parts, each from the states in
        which the part before ended.
        """
        return self._twin(stateful=False, return_state=True, name=name)

    def of_whole_rows(self, name: str) -> "WeightDroppedLSTM":
        """Returns a layer of the same weights that returns only the outputs.

        It is not stateful, and gradients pass through the whole row.
        """
        return self._twin(
            stateful=False, return_state=False, bptt=None, name=name
        )

    def _twin(self, **changed: Any) -> "WeightDroppedLSTM":
        twin = WeightDroppedLSTM.from_config({**self.get_config(), **changed})
        twin.kernel = self.kernel
        twin.recurrent_kernel = self.recurrent_kernel
        twin.bias = self.bias
        return twin

    def compute_output_shape(
        self, inputs_shape, padding_mask_shape=None, initial_state_shape=None
    ):
        self._check(inputs_shape, padding_mask_shape, initial_state_shape)
        y = (*inputs_shape[:2], self.hidden_dim)
        state = (inputs_shape[0], self.hidden_dim)
        return [y, state, state] if self.return_state else y

    @classmethod
    def from_config(cls, config):
        if "go_backwards" in config:
            raise ValueError(
                "`WeightDroppedLSTM` has its own `reverse`: call one layer "
                "with it and one without, instead of "
                "`keras.layers.Bidirectional`."
            )
        return super().from_config(config)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "weight_dropout": self.weight_dropout,
            "reverse": self.reverse,
            "return_state": self.return_state,
            "stateful": self.stateful,
            "max_batch_size": self.max_batch_size,
            "uniform_bound": self.uniform_bound,
            "bptt": self.bptt,
        }
