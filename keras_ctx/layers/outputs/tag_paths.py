"""Finds the most probable allowed path of tags."""

import math
import operator
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from keras import ops

from keras_ctx.layers.recurrent.recurrence import recur

# The cost of a forbidden pair of tags: larger than the scores of a row.
_FORBIDDEN = -1e9


class Penalties(NamedTuple):
    """The costs of the pairs of a path: 0 for an allowed pair."""

    transitions: np.ndarray
    """`(N, N)`, from tag i to tag j."""
    start: np.ndarray
    """`(N,)`, for the first tag of a row."""
    end: np.ndarray
    """`(N,)`, for the last tag of a row."""


def checked_pairs(
    constraints: Iterable, num_tags: int
) -> tuple[tuple[int, int], ...]:
    """Returns the allowed pairs, sorted, if they allow any path."""
    start, end = num_tags, num_tags + 1
    pairs = set()
    for pair in constraints:
        try:
            i, j = map(operator.index, pair)
        except (TypeError, ValueError):
            i, j = -1, -1
        if not 0 <= i <= start or not (0 <= j < num_tags or j == end):
            raise ValueError(
                "`constraints` must hold pairs (i, j), where the tag j may "
                f"follow the tag i: i from 0 to {num_tags - 1}, or {start} for "
                f"the start of a row; j from 0 to {num_tags - 1}, or {end} for "
                f"its end. Received: {pair!r}"
            )
        pairs.add((i, j))
    reached, grown = set(), {j for i, j in pairs if i == start and j != end}
    while grown - reached:
        reached |= grown
        grown = {j for i, j in pairs if i in reached and j != end}
    if not any((i, end) in pairs for i in reached):
        raise ValueError(
            "`constraints` must allow a path: from the start of a row, "
            f"{start}, through tags to its end, {end}. "
            f"Received: constraints={sorted(pairs)}"
        )
    return tuple(sorted(pairs))


def penalties(pairs: Iterable, num_tags: int) -> Penalties:
    """Returns the costs of the pairs that are not allowed, to add to scores."""
    table = np.full((num_tags + 1, num_tags + 2), _FORBIDDEN)
    for i, j in pairs:
        table[i, j] = 0
    inner = table[:num_tags, :num_tags]
    return Penalties(inner, table[-1, :num_tags], table[:num_tags, -1])


def later(mask):
    """Returns booleans `(B, T)`: whether a later token of the row is true."""
    count = ops.cumsum(ops.cast(mask, "int32"), axis=1)
    return count < count[:, -1:]


def is_first(mask):
    """Returns booleans `(B, T)`: whether a token is the row's first true."""
    count = ops.cumsum(ops.cast(mask, "int32"), axis=1)
    return ops.logical_and(mask, count == 1)


def identity(logits):
    """Returns log probabilities `(N, N)` of a step that keeps the tag."""
    keeps = ops.arange(logits.shape[-1])
    keeps = ops.expand_dims(keeps, 1) == keeps
    return ops.where(keeps, ops.cast(0.0, logits.dtype), _FORBIDDEN)


def follow(following, mask):
    """Returns the path `(B, T)` of a table `(B, T, N)` of successors of tags.

    Tokens outside the mask keep the tag of the previous token.
    """

    def step(row, state):
        return ops.take_along_axis(row, ops.cast(state, "int32"), axis=-1)

    # The loop is for floats, which are exact for the ids of tags.
    keep = ops.arange(following.shape[-1], dtype="float32")
    following = ops.cast(following, "float32")
    following = ops.where(ops.expand_dims(mask, -1), following, keep)
    start = ops.zeros_like(following[:, 0, :1])
    return ops.cast(recur(step, start, following)[:, :, 0], "int32")


def best_path(logits, mask, costs: Penalties):
    """Returns the most probable allowed tags of the tokens under `mask`.

    The other tokens, such as the later pieces of words, may have any tag:
    this sums over all of their tags.

    Args:
        logits: `(B, T, N, N)`, the output of `keras_ctx.layers.CRF`.
        mask: Booleans `(B, T)`, true = a token whose tag counts.
        costs: The result of `penalties`.

    Returns:
        Tags, int32 `(B, T)`, -1 outside the mask, and their log
        probabilities among all paths, `(B,)`.
    """
    transitions, start, end = (ops.cast(x, logits.dtype) for x in costs)
    logits = steps_between(logits, mask)
    first = is_first(mask)[:, :, None, None]
    steps = logits + ops.where(first, start, transitions)
    steps = ops.where(mask[:, :, None, None], steps, identity(logits))

    tags = _best_of(steps, mask, end)
    return ops.where(mask, tags, -1), log_probability(logits, tags, mask)


def best_allowed_tags(scores, mask, costs: Penalties):
    """Returns the most probable allowed tags of independent tokens.

    Args:
        scores: `(B, T, N)`, log probabilities or logits of each token alone.
        mask: Booleans `(B, T)`, true = a token whose tag counts. The others
            are left out of the path.
        costs: The result of `penalties`.

    Returns:
        Tags, int32 `(B, T)`, -1 outside the mask.
    """
    transitions, start, end = (ops.cast(x, scores.dtype) for x in costs)
    first = is_first(mask)[:, :, None, None]
    steps = scores[:, :, None, :] + ops.where(first, start, transitions)
    steps = ops.where(mask[:, :, None, None], steps, identity(scores))
    return ops.where(mask, _best_of(steps, mask, end), -1)


def _best_of(steps, mask, end):
    """Returns the best path of scores `(B, T, N, N)` of tag j after tag i."""

    def before(step, after):
        message = highest(step + ops.expand_dims(after, 1), axis=-1)
        return message - highest(message, axis=-1, keepdims=True)

    last = ops.zeros_like(steps[:, 0, 0]) + end
    messages = recur(before, last, steps, reverse=True)  # (B, T, N)
    after = ops.where(
        ops.expand_dims(later(mask), -1),
        ops.pad(messages[:, 1:], ((0, 0), (0, 1), (0, 0))),
        end,
    )
    best = ops.argmax(steps + ops.expand_dims(after, 2), axis=-1)
    return follow(best, mask)


def log_probability(logits, tags, mask):
    """Returns the log probability `(B,)` of tags from `follow`."""
    previous = ops.pad(tags[:, :-1], ((0, 0), (1, 0)))
    rows = ops.take_along_axis(logits, previous[:, :, None, None], axis=2)
    found = ops.take_along_axis(rows[:, :, 0], tags[:, :, None], axis=2)
    return ops.sum(ops.where(mask, found[:, :, 0], 0), axis=1)


def steps_between(logits, mask):
    """Computes log probabilities of steps from a token of `mask` to the next.

    `(B, T, N, N)`: at such a token, from tag i of the previous one, summed
    over all tags of the tokens in between.
    """
    tags = logits.shape[-1]
    keep = identity(logits)
    shape = ops.shape(logits)
    padding = ops.all(logits == 0, axis=(-2, -1))[:, :, None, None]
    logits = ops.where(padding, keep, logits) if tags > 1 else logits
    counted_before = ops.pad(mask[:, :-1], ((0, 0), (1, 0)))
    flag = ops.cast(counted_before[:, :, None], logits.dtype)
    flat = ops.reshape(logits, (*shape[:2], tags * tags))

    def step(inputs, state):
        table = ops.reshape(inputs[:, :-1], (-1, 1, tags, tags))
        state = ops.reshape(state, (-1, tags, tags, 1))
        state = ops.where(
            inputs[:, -1:, None, None] > 0, keep[:, :, None], state
        )
        found = ops.logsumexp(state + table, axis=2)  # (B, N, N)
        return ops.reshape(found, (-1, tags * tags))

    start = ops.zeros_like(flat[:, 0]) + ops.reshape(keep, (-1,))
    joined = ops.concatenate([flat, flag], axis=-1)
    return ops.reshape(recur(step, start, joined), shape)


def highest(x, axis, keepdims=False):
    """Returns `ops.max`, which fails without rows, for any batch."""
    return ops.max(x, axis=axis, keepdims=keepdims, initial=-math.inf)
