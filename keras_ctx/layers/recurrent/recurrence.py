"""A loop over the tokens of a batch."""

from collections.abc import Callable, Sequence

import keras
from keras import ops


def loop(
    step: Callable,
    inputs,
    states: Sequence,
    padding_mask=None,
    reverse: bool = False,
):
    """Returns the outputs of `step` at each token, `(B, T, ...)`.

    Padding does not change the states; outputs at padding are undefined.
    `keras.ops.scan` would be the natural loop, but on TensorFlow it must know
    T, and its gradient does not compile under XLA.

    Args:
        step: Takes an input `(B, ...)` and a list of states, and returns an
            output and the next states.
        inputs: `(B, T, ...)`.
        states: The initial states, each `(B, D)`, of the dtype of `inputs`.
        padding_mask: Booleans `(B, T)`, true = real token; `None`: all are.
        reverse: Whether to go from the last token to the first. The outputs
            are in the order of the tokens.
    """
    if inputs.shape[0] == 0 and inputs.shape[1] is not None:
        # Keras's RNN refuses it on JAX.
        outputs, _ = step(inputs[:, 0], list(states))
        return ops.repeat(outputs[:, None], inputs.shape[1], axis=1)
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    rnn = keras.layers.RNN(
        _Cell(step, [state.shape[-1] for state in states], dtype),
        return_sequences=True,
        go_backwards=reverse,
        dtype=dtype,
        name="recurrence",
    )
    outputs = rnn(inputs, initial_state=list(states), mask=padding_mask)
    return ops.flip(outputs, axis=1) if reverse else outputs


def with_a_token(x):
    """Returns `x` `(B, T, ...)`, with a token of zeros added if T is 0.

    Keras's RNN fails without tokens. A layer adds one before its arithmetic
    and removes it at the end.
    """
    length = ops.shape(x)[1]
    if isinstance(length, int):
        missing = max(1 - length, 0)
    else:
        missing = ops.maximum(1 - length, 0)
    if isinstance(missing, int) and missing == 0:
        return x
    rest = [(0, 0)] * (len(x.shape) - 2)
    return ops.pad(x, [(0, 0), (0, missing), *rest])


def recur(
    step: Callable, state, inputs, padding_mask=None, reverse: bool = False
):
    """Runs `loop` with one state `(B, D)`, which is also the output."""

    def both(inputs, states):
        state = step(inputs, states[0])
        return state, [state]

    return loop(both, inputs, [state], padding_mask, reverse)


class _Cell:
    """A function as an RNN cell; without weights it need not be a layer."""

    def __init__(self, step: Callable, state_size: list, compute_dtype: str):
        self.call = step
        self.state_size = state_size
        self.compute_dtype = compute_dtype

    def __call__(self, inputs, states):
        return self.call(inputs, list(states))
