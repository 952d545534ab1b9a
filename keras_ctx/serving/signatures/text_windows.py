"""Reads texts that are too long for the model in windows."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.serving.signatures.answer_windows import (
    Windows,
    windows,
)
from keras_ctx.text import TextInputs
from keras_ctx.text.ragged.operations import numbered


@dataclass(frozen=True)
class TextWindows:
    """Windows over a long text that is classified, scored or tagged.

    Example:
        >>> TextWindows(max_windows=4)  # the rest is cut
        TextWindows(overlap=64, max_windows=4)
        >>> TextWindows(overlap=0)
        Traceback (most recent call last):
        ValueError: `overlap` must be at least 1. Received: ...
    """

    overlap: int = 64
    """Positions that neighbouring windows share, or up to a word fewer. A word
    in the middle of them has half as many positions of context on its shorter
    side."""
    max_windows: int = 16
    """Most windows of a text; the rest is cut. It bounds the time and the
    memory of a request."""

    def __post_init__(self):
        check_at_least(1, **vars(self))


def text_positions(text_inputs: TextInputs) -> int:
    """Returns the positions available to a single text."""
    return (text_inputs.max_length or 0) - text_inputs.special_positions()


def windows_of_texts(
    words: Any, text_inputs: TextInputs, settings: TextWindows
) -> Windows:
    """Lays windows over single texts, given as words."""
    most = tf.fill([words.nrows()], text_positions(text_inputs))
    lengths = text_inputs.word_lengths(words)
    step = most - settings.overlap
    return windows(words, lengths, most, step, settings.max_windows)


def mean_of_windows(
    values: tf.Tensor, laid: Windows, text_inputs: TextInputs, count: Any
) -> tf.Tensor:
    """Returns the means `(B, n)` of values `(N, n)` over the windows of a row.

    Windows are weighted by their numbers of positions, so that a short last one
    does not outvote a full one.
    """
    sizes = tf.reduce_sum(text_inputs.word_lengths(laid.words), axis=1)
    weights = tf.cast(tf.maximum(sizes, 1), values.dtype)[:, None]
    sums, totals = (
        tf.math.unsorted_segment_sum(x, laid.row, count)
        for x in (values * weights, weights)
    )
    return sums / totals


def places_of_words(words: Any, laid: Windows) -> tf.Tensor:
    """Returns where each word has most context, int32 `(number of words,)`.

    That is in the window with most text on its shorter side; the start and the
    end of a text count as unlimited context. Results index the flattened words
    `(N, W)` of the windows; -1 for a word in no window.
    """
    sizes = tf.cast(laid.words.row_lengths(), tf.int32)
    starts = tf.gather(tf.cast(words.row_starts(), tf.int32), laid.row)
    ends = tf.gather(tf.cast(words.row_limits(), tf.int32), laid.row)
    begin = starts + laid.first
    # For every word in every window:
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
