"""Windows over a text that is longer than a row, as tf ops."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ctx.serving.model_outputs import TextInputs
from keras_ctx.text.rows import cut, numbered, ragged


@dataclass(frozen=True)
class TextWindows:
    """How a text that is longer than a row is classified, scored or tagged.

    Example:
        >>> TextWindows(max_windows=4)  # what is behind the fourth is cut
        TextWindows(overlap=64, max_windows=4)
        >>> TextWindows(overlap=0)
        Traceback (most recent call last):
        ValueError: `overlap` must be an integer of at least 1. Received: ...
    """

    overlap: int = 64
    """Positions that two neighbours share, or a word fewer; in the middle of
    them a word has half as many of its own text on its shorter side."""
    max_windows: int = 16
    """Windows of a text that are read; what is behind them is cut. It bounds
    the time and the memory of a request."""

    def __post_init__(self):
        _check_counts(self)


@dataclass(frozen=True)
class AnswerWindows:
    """How a context that does not fit beside its question is read.

    Example:
        >>> AnswerWindows(max_windows=1)  # what is behind the first is cut
        AnswerWindows(stride=128, max_question=64, max_answer=30, max_windows=1)
        >>> AnswerWindows(stride=0)
        Traceback (most recent call last):
        ValueError: `stride` must be an integer of at least 1. Received: ...
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
        _check_counts(self)


def _check_counts(settings: TextWindows | AnswerWindows) -> None:
    for name, value in vars(settings).items():
        if type(value) is not int or value < 1:
            raise ValueError(
                f"`{name}` must be an integer of at least 1. "
                f"Received: {name}={value!r}"
            )


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


def special_positions(text_inputs: TextInputs, num_texts: int) -> int:
    """The positions of a row that are no text's."""
    with tf.init_scope():  # a number, also where a graph is being made
        total = int(text_inputs.num_tokens(*[[["a"]]] * num_texts)[0])
    return total - num_texts


def text_positions(text_inputs: TextInputs) -> int:
    """The positions that a row leaves to a single text."""
    return (text_inputs.max_length or 0) - special_positions(text_inputs, 1)


def text_windows(
    words: Any, text_inputs: TextInputs, settings: TextWindows
) -> Windows:
    """Lays windows over texts, given as words, that a model reads alone."""
    most = tf.fill([words.nrows()], text_positions(text_inputs))
    lengths = text_inputs.word_lengths(words)
    step = most - settings.overlap
    return windows(words, lengths, most, step, settings.max_windows)


def mean_of_windows(
    values: tf.Tensor, laid: Windows, text_inputs: TextInputs, count: Any
) -> tf.Tensor:
    """Means `(B, n)` of what N windows gave, `(N, n)`, over those of a row.

    A window counts as much as it has positions, so that a short last one
    does not outvote a whole one.
    """
    sizes = tf.reduce_sum(text_inputs.word_lengths(laid.words), axis=1)
    weights = tf.cast(tf.maximum(sizes, 1), values.dtype)[:, None]
    sums, totals = (
        tf.math.unsorted_segment_sum(x, laid.row, count)
        for x in (values * weights, weights)
    )
    return sums / totals


def places_of_words(words: Any, laid: Windows) -> tf.Tensor:
    """Where each word is best read, int32 `(number of all words,)`.

    That is in the window with most text on its shorter side; the begin and
    the end of a text have all there is. Places count through the windows'
    words in a tensor `(N, W)`; -1 for a word in none.
    """
    sizes = tf.cast(laid.words.row_lengths(), tf.int32)
    starts = tf.gather(tf.cast(words.row_starts(), tf.int32), laid.row)
    ends = tf.gather(tf.cast(words.row_limits(), tf.int32), laid.row)
    begin = starts + laid.first
    # Of every word in every window:
    window = tf.cast(laid.words.value_rowids(), tf.int32)
    ahead = numbered(laid.words).values
    behind = tf.gather(sizes, window) - 1 - ahead
    far = tf.int32.max
    of_text = tf.gather(laid.first == 0, window)
    ahead_of_cut = tf.where(of_text, far, ahead)
    of_text = tf.gather(begin + sizes == ends, window)
    behind_cut = tf.where(of_text, far, behind)
    margin = tf.minimum(ahead_of_cut, behind_cut)

    word = tf.gather(begin, window) + ahead
    count = tf.size(words.values)
    most = tf.math.unsorted_segment_max(margin, word, count)
    place = window * tf.maximum(tf.reduce_max(sizes), 1) + ahead
    place = tf.where(margin == tf.gather(most, word), place, far)
    place = tf.math.unsorted_segment_min(place, word, count)
    return tf.where(place == far, -1, place)


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
