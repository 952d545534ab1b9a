"""Operations on ragged rows."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_ctx.text.ragged.checks import check_pair


def ragged(values: Any, splits: Any) -> Any:
    """Builds rows without validation, from splits known to be valid."""
    # TensorFlow's type stubs do not know the factory.
    ragged_tensor: Any = tf.RaggedTensor
    return ragged_tensor.from_row_splits(values, splits, validate=False)


def filled(rows: Any, value: int) -> Any:
    """Returns rows of the same lengths, filled with one int32 value."""
    return rows.with_values(tf.fill([tf.size(rows.values)], value))


def numbered(rows: Any) -> Any:
    """Returns rows of the same lengths that count from 0, int32 `(B, None)`."""
    return rows.with_values(tf.ragged.range(segment_lengths(rows)).values)


def spread(words: Any, lengths: Any) -> Any:
    """Repeats the value of each word n `lengths[n]` times."""
    before = tf.pad(tf.cumsum(lengths), [[1, 0]])
    return ragged(
        tf.repeat(words.values, lengths), tf.gather(before, words.row_splits)
    )


def keep(rows: tf.RaggedTensor, mask: tf.Tensor) -> tf.RaggedTensor:
    """Keeps the flat values where the flat `mask` is True."""
    before = tf.pad(tf.cumsum(tf.cast(mask, tf.int64)), [[1, 0]])
    return ragged(
        tf.boolean_mask(rows.values, mask), tf.gather(before, rows.row_splits)
    )


def cut(rows: Any, lengths: tf.Tensor) -> Any:
    """Returns the first `lengths[b]` values of each row b."""
    most = tf.repeat(lengths, rows.row_lengths())
    return keep(rows, numbered(rows).values < most)


def total_lengths(segments: Sequence[Any]) -> tf.Tensor:
    """Counts the values of each row over all segments, int32 `(B,)`."""
    if len(segments) == 2:
        check_pair(*segments)
    return tf.add_n([segment_lengths(segment) for segment in segments])


def segment_lengths(rows: Any) -> tf.Tensor:
    return tf.cast(rows.row_lengths(), tf.int32)
