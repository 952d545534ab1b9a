"""Masking units of text pairs: parts of a segmented text, or of a lexicon."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.data.masked_lm.lexicon import Lexicon
from keras_ctx.data.readers.lines import read_lines
from keras_ctx.data.text_inputs import TextInputs

# From the places of words, ragged `(B, None)`, to the number of each word's
# unit, flat. Rows may share a number.
Units = Callable[[Any], tf.Tensor]

_ROWS = 512


def text_units(
    text_inputs: TextInputs, segmented: bool, lexicon: Sequence[str] | None
) -> Units | None:
    """Returns a function that numbers the units of texts, or `None`."""
    if segmented and lexicon is not None:
        raise ValueError(
            "`segmented` and `lexicon` must not be given together: white "
            "space marks the units of a segmented text."
        )
    if lexicon is None:
        return _segments if segmented else None
    rows = _words_of(text_inputs, text_inputs.words(list(lexicon) or [""]))
    entries = Lexicon(rows.to_list())
    if not len(entries):
        raise ValueError(
            "`lexicon` must have a unit of at least two tokens. "
            f"Received: {len(lexicon)} units, none of which has two"
        )

    def numbers(flat: np.ndarray, splits: np.ndarray) -> np.ndarray:
        rows = [flat[a:b].tolist() for a, b in itertools.pairwise(splits)]
        return np.concatenate([entries.unit_numbers(row) for row in rows])

    def units(found: Any) -> tf.Tensor:
        words = _words_of(text_inputs, found)
        unit = tf.numpy_function(
            numbers, [words.values, words.row_splits], tf.int32
        )
        return tf.ensure_shape(unit, [None])

    return units


def check_units(
    path: str | Path, text_inputs: TextInputs, units: Units, segmented: bool
) -> None:
    """Refuses a text in which no unit would be found.

    Reads up to the first unit that shows that they can be.
    """
    for lines in _batches(read_lines(path)):
        found = text_inputs.words(lines)
        rows = found.words.with_values(units(found)).to_list()
        if any(_shows_units(row, segmented) for row in rows):
            return
    if segmented:
        raise ValueError(
            "`segmented` needs a text whose units, such as words, are "
            f"separated by white space. Received: {path}, whose lines have none"
        )
    raise ValueError(
        "`lexicon` must have a unit that occurs in the text. Received: a "
        f"lexicon of which {path} has no unit of at least two tokens"
    )


def pair_unit_ids(
    text_inputs: TextInputs,
    units: Units,
    texts: tuple[tf.Tensor, tf.Tensor],
    features: dict[str, tf.Tensor],
) -> tf.Tensor:
    """Returns the unit of each token of packed text pairs, int32 `(B, T)`.

    Neighbouring tokens of a text with the same id are one unit. The ids
    of special tokens and padding mean nothing.

    Args:
        text_inputs: The text inputs that made `features`.
        units: See `text_units`.
        texts: The first texts and the second texts, strings `(B,)`.
        features: The features of `[CLS] first [SEP] second [SEP]`. Either text
            may have been cut at its end.
    """
    segment = features["segment_ids"]
    is_first = features["padding_mask"] & (segment == 0)
    # Position in the text, from 1: [CLS] is before the first text, and a [SEP]
    # before the second.
    before = tf.reduce_sum(tf.cast(is_first, tf.int32), 1, keepdims=True) - 1
    place = tf.range(tf.shape(segment)[1]) - tf.where(segment == 1, before, 0)
    # TensorFlow's type stubs do not know the factory.
    ragged_tensor: Any = tf.RaggedTensor
    ids = []
    for text in texts:
        found = text_inputs.words(text)
        lengths = text_inputs.word_lengths(found.words)
        tokens = ragged_tensor.from_row_lengths(
            tf.repeat(units(found), lengths.values),
            tf.reduce_sum(lengths, axis=1),
        )
        # With a column on either side for the special tokens.
        rows = tf.pad(
            tokens.to_tensor(-1), [[0, 0], [1, 1]], constant_values=-1
        )
        inside = tf.minimum(place, tf.shape(rows)[1] - 1)
        ids.append(tf.gather(rows, tf.maximum(inside, 0), batch_dims=1))
    # A unit never reaches from one text into the other.
    return 2 * tf.where(segment == 1, ids[1], ids[0]) + segment


def _segments(found: Any) -> tf.Tensor:
    """Numbers the parts of texts that are separated by white space."""
    starts, ends = found.starts.values, found.ends.values
    begins = tf.cast(tf.not_equal(starts[1:], ends[:-1]), tf.int32)
    return tf.pad(tf.cumsum(begins), [[1, 0]])[: tf.size(starts)]


def _words_of(text_inputs: TextInputs, found: Any) -> Any:
    """Returns the words, in lower case if the text inputs lower-case them."""
    if not getattr(text_inputs, "lower_case", False):
        return found.words
    lowered = tf.strings.lower(found.words.values, encoding="utf-8")
    return found.words.with_values(lowered)


def _shows_units(numbers: list[int], segmented: bool) -> bool:
    count = len(set(numbers))
    # A text without white space is one segment.
    return count > 1 if segmented else count < len(numbers)


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    lines = iter(lines)
    while rows := list(itertools.islice(lines, _ROWS)):
        yield rows
