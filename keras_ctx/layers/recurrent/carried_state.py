"""The states after the last token of each row, and from batch to batch."""

from keras import ops

from keras_ctx.layers.recurrent.row_order import take


def last_states(before, steps, padding_mask) -> list:
    """Returns each row's state after its last real token.

    Args:
        before: Values `(B, D)` of h and c before the first step, which a row
            without tokens keeps.
        steps: Values `(B, T, D)` of h and c after each step.
        padding_mask: Booleans `(B, T)`, with padding behind the real tokens.
    """
    lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1)
    last = ops.expand_dims(ops.maximum(lengths - 1, 0), -1)
    some = ops.expand_dims(lengths > 0, -1)
    return [
        ops.where(some, take(new, last)[:, 0], old)
        for old, new in zip(before, steps, strict=True)
    ]


def keep_last(states, before, steps, padding_mask):
    """Stores each row's state after its last real token.

    Args:
        states: Variables `(N, D)` of h and c, with N at least B. Rows beyond
            B are kept.
        before: As of `last_states`, as the next two.
        steps: Values after each step.
        padding_mask: Booleans.
    """
    last = last_states(before, steps, padding_mask)
    for state, new in zip(states, last, strict=True):
        # A batch with more rows than states is an error here: a wrong shape.
        rest = state[ops.shape(new)[0] :]
        new = ops.concatenate([ops.cast(new, state.dtype), rest], axis=0)
        state.assign(new)


def check_rows(name: str, max_batch_size: int, inputs) -> None:
    """Refuses a batch with more rows than there are carried states.

    Args:
        name: What carries the states, for the message.
        max_batch_size: Number of states.
        inputs: `(B, ...)`; B may be unknown.
    """
    batch = inputs.shape[0]
    if batch is not None and batch > max_batch_size:
        raise ValueError(
            f"A stateful {name} has one state per row, for `max_batch_size="
            f"{max_batch_size}` rows. Received: a batch of {batch}. "
            "Raise `max_batch_size` or use smaller batches."
        )
