"""Checks the rank and dtype of the rows that a caller passes."""

from typing import Any

import tensorflow as tf


def as_rows(value: Any, name: str, dtype: tf.DType = tf.string) -> Any:
    """Checks a batch of texts `(B,)` or of ragged words `(B, None)`.

    The shape is checked again inside the graph: a server passes any input on
    to a signature, and the kernels of the tokenizers do not check it.

    Args:
        value: A tensor, a `tf.RaggedTensor`, an array, or (nested) lists.
        name: The argument's name, for the error message.
        dtype: The expected dtype.

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


def as_words(value: Any, name: str) -> Any:
    """Checks ragged words `(B, None)`."""
    value = as_rows(value, name)
    _check_ragged(value, name)
    return value


def as_labelled_rows(words: Any, label_ids: Any) -> tuple[Any, Any]:
    """Checks ragged words and one label per word, both `(B, None)`."""
    words = as_words(words, "words")
    if isinstance(label_ids, (list, tuple)):
        label_ids = tf.ragged.constant(label_ids, ragged_rank=1, dtype=tf.int32)
    _check_ragged(label_ids, "label_ids")
    if not label_ids.dtype.is_integer:
        raise ValueError(
            "`label_ids` must be integers. "
            f"Received: dtype={label_ids.dtype.name}"
        )
    label_ids = label_ids.with_row_splits_dtype(tf.int64)
    check = tf.debugging.assert_equal(
        words.row_splits,
        label_ids.row_splits,
        message="`label_ids` must have one label per word in every row.",
    )
    with tf.control_dependencies([] if check is None else [check]):
        labels = tf.cast(tf.ensure_shape(label_ids.values, [None]), tf.int32)
    return words, label_ids.with_values(labels)


def _check_ragged(value: Any, name: str) -> None:
    if not isinstance(value, tf.RaggedTensor):
        raise ValueError(
            f"`{name}` must be a ragged tensor of shape (B, None), with one "
            "value per word. "
            f"Received: shape={value.shape}"
        )


def check_pair(first: Any, second: Any) -> None:
    """Checks inside the graph that both texts have the same number of rows."""
    tf.debugging.assert_equal(
        first.nrows(),
        second.nrows(),
        message="Both texts of a pair must have the same number of rows.",
    )
