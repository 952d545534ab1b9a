"""Rows of tokens of different lengths: checked, cut, joined and padded."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def as_rows(value: Any, name: str, dtype: tf.DType = tf.string) -> Any:
    """Checks a batch of texts `(B,)` or of ragged words `(B, None)`.

    The shape is checked again inside the graph: a server hands a signature
    whatever was sent to it, and the kernels behind the tokenizers do not look.

    Args:
        value: a tensor, a `tf.RaggedTensor`, an array, or (nested) lists.
        name: the argument's name, for the error text.
        dtype: the dtype that is expected.

    Returns:
        A tensor `(B,)`, or a `tf.RaggedTensor` `(B, None)`.
    """
    if isinstance(value, (str, bytes)):
        raise ValueError(
            f"`{name}` must be a batch of strings, of shape (B,), or ragged "
            "words, of shape (B, None). Put a single string into a list. "
            f"Received: {name}={value!r}"
        )
    if isinstance(value, (list, tuple)):
        if any(isinstance(row, (list, tuple)) for row in value):
            value = tf.ragged.constant(value, ragged_rank=1, dtype=dtype)
        else:
            value = tf.convert_to_tensor(value, dtype=dtype)
    if isinstance(value, tf.RaggedTensor):
        rank, wanted = value.shape.rank, 2
        ragged = value.ragged_rank == 1
    else:
        value = tf.convert_to_tensor(value)
        rank, wanted, ragged = value.shape.rank, 1, True
    if (rank is not None and rank != wanted) or not ragged:
        raise ValueError(
            f"`{name}` must be a batch of strings, of shape (B,), or ragged "
            f"words, of shape (B, None). Received: shape={value.shape}"
        )
    if value.dtype != dtype:
        raise ValueError(
            f"`{name}` must have dtype {dtype.name}. "
            f"Received: dtype={value.dtype.name}"
        )
    if isinstance(value, tf.RaggedTensor):
        value = value.with_row_splits_dtype(tf.int64)
        return value.with_values(tf.ensure_shape(value.values, [None]))
    return tf.ensure_shape(value, [None])


def as_labelled_rows(words: Any, label_ids: Any) -> tuple[Any, Any]:
    """Checks ragged words and as many ragged labels, both `(B, None)`."""
    words = as_rows(words, "words")
    if isinstance(label_ids, (list, tuple)):
        label_ids = tf.ragged.constant(label_ids, ragged_rank=1, dtype=tf.int32)
    for name, value in (("words", words), ("label_ids", label_ids)):
        if not isinstance(value, tf.RaggedTensor):
            raise ValueError(
                f"`{name}` must be ragged, of shape (B, None), one a word. "
                f"Received: shape={value.shape}"
            )
    if not label_ids.dtype.is_integer:
        raise ValueError(
            "`label_ids` must be integers. "
            f"Received: dtype={label_ids.dtype.name}"
        )
    label_ids = label_ids.with_row_splits_dtype(tf.int64)
    check = tf.debugging.assert_equal(
        words.row_splits,
        label_ids.row_splits,
        message="`label_ids` must have one label a word, in every row.",
    )
    with tf.control_dependencies([] if check is None else [check]):
        labels = tf.cast(tf.ensure_shape(label_ids.values, [None]), tf.int32)
    return words, label_ids.with_values(labels)


def keep(rows: tf.RaggedTensor, mask: tf.Tensor) -> tf.RaggedTensor:
    """Keeps the flat values where the flat `mask` is True."""
    mask_rows = rows.with_values(tf.cast(mask, tf.int64))
    return tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(rows.values, mask),
        tf.reduce_sum(mask_rows, axis=1),
        validate=False,
    )


def cut(rows: tf.RaggedTensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    """Keeps the first `lengths[b]` values of every row b."""
    position = tf.ragged.range(rows.row_lengths()).values
    limit = tf.gather(tf.cast(lengths, position.dtype), rows.value_rowids())
    return keep(rows, position < limit)


def shared_lengths(
    first: tf.Tensor, second: tf.Tensor, budget: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Lengths of two segments that share `budget` places.

    As if the last token of the longer segment were dropped until both fit,
    the second segment's where they are equally long.
    """
    kept = tf.minimum(first, tf.maximum((budget + 1) // 2, budget - second))
    return kept, tf.minimum(second, budget - kept)


def join(
    segments: Sequence[tf.RaggedTensor], start: Any, end: Any
) -> tf.RaggedTensor:
    """Joins rows: start, segment, end, and for a second one segment, end."""
    column = tf.fill(tf.stack([segments[0].nrows(), 1]), start)
    parts: list[Any] = [column]
    for segment in segments:
        parts += [segment, tf.fill(tf.shape(column), end)]
    return tf.concat(parts, axis=1)


def pad(rows: tf.RaggedTensor, value: Any, length: int | None) -> tf.Tensor:
    """Pads rows to `length`, or to the longest of the batch but at least 1."""
    width: Any = length
    if length is None:
        width = tf.maximum(tf.reduce_max(rows.row_lengths()), 1)
    shape = [None, width, *rows.values.shape[1:]]
    return rows.to_tensor(default_value=value, shape=shape)
