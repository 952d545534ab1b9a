"""Rows of different lengths as a ragged tensor."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def ragged_rows(rows: Sequence[Sequence], dtype: Any = tf.string) -> Any:
    """Returns rows, such as the words of sentences, as a ragged tensor.

    Args:
        rows: Values of each row.
        dtype: The dtype of the values.

    Example:
        >>> ragged_rows([["In", "Rome"], ["Yes"]]).row_lengths().numpy()
        array([2, 1])
    """
    ragged: Any = tf.RaggedTensor  # the type stubs lack some of its methods
    return ragged.from_row_lengths(
        tf.constant([value for row in rows for value in row], dtype),
        [len(row) for row in rows],
    )
