"""Lays windows over texts that are too long for the model, in tf ops."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.text.ragged.operations import cut, ragged


@dataclass(frozen=True)
class AnswerWindows:
    """Windows over a context that does not fit beside its question.

    Example:
        >>> AnswerWindows(max_windows=1)  # the rest is cut
        AnswerWindows(stride=128, max_question=64, max_answer=30, max_windows=1)
        >>> AnswerWindows(stride=0)
        Traceback (most recent call last):
        ValueError: `stride` must be at least 1. Received: ...
    """

    stride: int = 128
    """Most positions from the start of a window to that of the next."""
    max_question: int = 64
    """Most positions of a question; a longer one is cut."""
    max_answer: int = 30
    """Most positions of an answer. Windows overlap so that no such answer is
    cut by all of them."""
    max_windows: int = 16
    """Most windows of a context; the rest is cut. It bounds the time and the
    memory of a request."""

    def __post_init__(self):
        check_at_least(1, **vars(self))

    def step(self, budget: tf.Tensor) -> tf.Tensor:
        """Returns the most positions to the next window, int32 `(B,)`."""
        return tf.clip_by_value(budget - self.max_answer, 1, self.stride)


class Windows(NamedTuple):
    """N windows over B rows of words."""

    row: tf.Tensor
    """The row of each window, int32 `(N,)`."""
    first: tf.Tensor
    """The first word of each window, int32 `(N,)`."""
    words: Any
    """The words of each window, ragged `(N, None)`."""
    truncated: tf.Tensor
    """Whether words of a row are in no window, bool `(B,)`."""


def first_positions(words: Any, lengths: Any, most: int) -> Any:
    """Returns the words that fit whole into the first `most` positions."""
    ends = _places(lengths)[:, 1:]
    fitting = tf.reduce_sum(tf.cast(ends <= most, tf.int32), axis=1)
    there = tf.cast(words.row_lengths(), tf.int32)
    return cut(words, tf.minimum(fitting, there))


def windows(
    words: Any,
    lengths: Any,
    budget: tf.Tensor,
    step: tf.Tensor,
    max_windows: int,
) -> Windows:
    """Lays windows over rows of words, as `keras_ctx.data.question_windows`.

    Args:
        words: Ragged `(B, None)`.
        lengths: Number of positions of each word, ragged int32 `(B, None)`.
        budget: Most positions of a window, int32 `(B,)`.
        step: Most positions from the start of a window to that of the next,
            int32 `(B,)`.
        max_windows: Most windows of a row.
    """
    places = _places(lengths)
    num_words = tf.cast(words.row_lengths(), tf.int32)

    def last_before(first, distance):
        # The last word that begins at most `distance` after `first`.
        place = tf.gather(places, first, batch_dims=1) + distance
        found = tf.searchsorted(places, place[:, None], side="right")
        return found[:, 0] - 1

    def one_more(number, first, going, firsts, limits, used):
        # A word longer than a window gets its own window.
        limit = tf.maximum(last_before(first, budget), first + 1)
        limit = tf.minimum(limit, num_words)
        firsts, limits, used = (
            tf.concat([columns, column[:, None]], axis=1)
            for columns, column in (
                (firsts, first),
                (limits, limit),
                (used, going),
            )
        )
        going &= limit < num_words
        after = tf.maximum(last_before(first, step), first + 1)
        first = tf.where(going, after, first)
        return number + 1, first, going, firsts, limits, used

    # Not a growing `TensorArray`, which TF Serving 2.12 lacks.
    none = tf.zeros_like(num_words)[:, None][:, :0]
    _, _, going, first, limit, used = tf.while_loop(
        # At least once: without rows, the result still needs its shape.
        lambda number, first, going, *_: (number == 0) | tf.reduce_any(going),
        one_more,
        (
            *(0, tf.zeros_like(num_words), tf.ones_like(num_words, tf.bool)),
            *(none, none, tf.cast(none, tf.bool)),
        ),
        shape_invariants=(
            *map(tf.TensorShape, ([], [None], [None])),
            *[tf.TensorShape([None, None])] * 3,
        ),
        maximum_iterations=max_windows,
    )
    first, limit = tf.boolean_mask(first, used), tf.boolean_mask(limit, used)
    row = tf.cast(tf.where(used)[:, 0], tf.int32)
    begin = tf.gather(tf.cast(words.row_starts(), tf.int32), row)
    inside: Any = tf.ragged.range(begin + first, begin + limit)
    taken = tf.gather(words.values, inside.values)
    splits = tf.cast(inside.row_splits, tf.int64)
    return Windows(row, first, ragged(taken, splits), going)


def _places(lengths: Any) -> tf.Tensor:
    """Returns where each word begins and the last ends, int32 `(B, W+1)`.

    After the end of a row, the position is out of reach of any window.
    """
    sizes = lengths.to_tensor(tf.int32.max // 2)
    sizes = tf.minimum(sizes, tf.int32.max // 2)
    places = tf.cumsum(tf.cast(sizes, tf.int64), axis=1)
    places = tf.minimum(places, tf.int32.max // 2)
    return tf.pad(tf.cast(places, tf.int32), [[0, 0], [1, 0]])
