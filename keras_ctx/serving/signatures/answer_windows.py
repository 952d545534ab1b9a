"""Windows over a text that is longer than a row, as tf ops."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.text.ragged.operations import cut, ragged


@dataclass(frozen=True)
class AnswerWindows:
    """How a context that does not fit beside its question is read.

    Example:
        >>> AnswerWindows(max_windows=1)  # what is behind the first is cut
        AnswerWindows(stride=128, max_question=64, max_answer=30, max_windows=1)
        >>> AnswerWindows(stride=0)
        Traceback (most recent call last):
        ValueError: `stride` must be at least 1. Received: ...
    """

    stride: int = 128
    """Most positions from the begin of a window to the next's."""
    max_question: int = 64
    """Most positions of a question; what is more is cut."""
    max_answer: int = 30
    """Most positions of an answer; none of up to so many is cut by all
    windows that it touches."""
    max_windows: int = 16
    """Windows of a context that are read; what is behind them is cut. It
    bounds the time and the memory of a request."""

    def __post_init__(self):
        check_at_least(1, **vars(self))

    def step(self, budget: tf.Tensor) -> tf.Tensor:
        """Most positions to the next window, int32 `(B,)`."""
        return tf.clip_by_value(budget - self.max_answer, 1, self.stride)


class Windows(NamedTuple):
    """N windows over B rows of words."""

    row: tf.Tensor
    """The row of each, int32 `(N,)`."""
    first: tf.Tensor
    """Its first word, int32 `(N,)`."""
    words: Any
    """Its words, ragged `(N, None)`."""
    truncated: tf.Tensor
    """Whether words of a row are in no window, bool `(B,)`."""


def first_positions(words: Any, lengths: Any, most: int) -> Any:
    """The words of each row that lie whole in its first `most` positions."""
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
        words: ragged `(B, None)`.
        lengths: the positions of each word, ragged int32 `(B, None)`.
        budget: most positions of a window, int32 `(B,)`.
        step: most positions from the begin of one to the next's, int32 `(B,)`.
        max_windows: most windows of a row.
    """
    places = _places(lengths)
    num_words = tf.cast(words.row_lengths(), tf.int32)

    def last_before(first, distance):
        # The last word that begins at most `distance` behind that of `first`.
        place = tf.gather(places, first, batch_dims=1) + distance
        found = tf.searchsorted(places, place[:, None], side="right")
        return found[:, 0] - 1

    def one_more(number, first, going, firsts, limits, used):
        # A word that is longer than a window has one of its own.
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

    # Not a `TensorArray` that grows, which TF Serving 2.12 has not.
    none = tf.zeros_like(num_words)[:, None][:, :0]
    _, _, going, first, limit, used = tf.while_loop(
        # Once at least: of no rows there is no window, but its shape.
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
    """Where each word begins, and where the last ends, int32 `(B, W+1)`.

    Behind the end of a row lies a place that no window reaches.
    """
    sizes = lengths.to_tensor(tf.int32.max // 2)
    sizes = tf.minimum(sizes, tf.int32.max // 2)
    places = tf.cumsum(tf.cast(sizes, tf.int64), axis=1)
    places = tf.minimum(places, tf.int32.max // 2)
    return tf.pad(tf.cast(places, tf.int32), [[0, 0], [1, 0]])
