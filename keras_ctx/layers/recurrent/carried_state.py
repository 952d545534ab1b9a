"""States that are carried from one batch to the next."""

from keras import ops

from keras_ctx.layers.recurrent.row_order import take


def keep_last(states, before, steps, padding_mask):
    """Writes each row's state at its last real token; other rows stay.

    Args:
        states: Variables `(N, D)`, of h and of c, N at least B.
        before: Their values `(B, D)` before the first step.
        steps: Their values `(B, T, D)` after each step.
        padding_mask: Booleans `(B, T)`.
    """
    lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1)
    last = ops.expand_dims(ops.maximum(lengths - 1, 0), -1)
    some = ops.expand_dims(lengths > 0, -1)
    for state, old, new in zip(states, before, steps, strict=True):
        new = ops.where(some, take(new, last)[:, 0], old)
        # More rows than there are states is an error here: a wrong shape.
        rest = state[ops.shape(new)[0] :]
        new = ops.concatenate([ops.cast(new, state.dtype), rest], axis=0)
        state.assign(new)
