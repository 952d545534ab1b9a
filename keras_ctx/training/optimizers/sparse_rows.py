"""Gradients of a few rows of a table, which cost no more than these rows."""

from typing import Any

import keras
import tensorflow as tf

from keras_ctx.training.optimizers.adam_kernel import updates_by_kernel


def is_sparse(gradient: Any) -> bool:
    """Returns whether a gradient has only some rows of its variable."""
    return isinstance(gradient, tf.IndexedSlices)


def dense(gradient: Any) -> Any:
    """Returns a gradient with all rows of its variable."""
    return tf.convert_to_tensor(gradient) if is_sparse(gradient) else gradient


def numbers_of(gradient: Any) -> Any:
    """Returns the numbers of a gradient that may differ from 0."""
    return gradient.values if is_sparse(gradient) else gradient


def with_numbers(gradient: Any, numbers: Any) -> Any:
    """Returns a gradient with other numbers at the same places."""
    if not is_sparse(gradient):
        return numbers
    return tf.IndexedSlices(numbers, gradient.indices, gradient.dense_shape)


def distinct_rows(gradient: Any) -> Any:
    """Sums the parts of each row, so that each row occurs once.

    A gather gives a part for each occurrence of a row, and Keras's optimizers
    square each part instead of the sum.

    Example:
        >>> parts = tf.IndexedSlices(
        ...     tf.constant([[1.0], [2.0], [3.0]]), tf.constant([7, 5, 7]))
        >>> found = distinct_rows(parts)
        >>> found.indices.numpy().tolist(), found.values.numpy().tolist()
        ([7, 5], [[4.0], [2.0]])
    """
    if not is_sparse(gradient):
        return gradient
    rows, places = tf.unique(gradient.indices)
    sums = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
    return tf.IndexedSlices(sums, rows, gradient.dense_shape)


def apply_adagrad(
    gradient: Any,
    variable: Any,
    accumulator: keras.Variable,
    learning_rate: Any,
) -> None:
    """Updates the rows of a gradient, whose indices are distinct.

    All other rows stay as they are, as they do where their gradient is 0.
    There is no epsilon.
    """
    tf.raw_ops.ResourceSparseApplyAdagrad(
        var=variable.handle,
        accum=accumulator.value.handle,
        lr=tf.cast(learning_rate, variable.dtype),
        grad=tf.cast(gradient.values, variable.dtype),
        indices=gradient.indices,
    )


def has_sparse_kernel(gradient: Any, variable: Any) -> bool:
    """Returns whether `apply_adagrad` can update this variable."""
    return is_sparse(gradient) and updates_by_kernel(variable)
