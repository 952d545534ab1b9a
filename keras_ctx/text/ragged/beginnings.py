"""Rows that a causal model continues."""

from typing import Any

import tensorflow as tf


def beginnings(ids: Any, start_id: int, window: int | None = None) -> Any:
    """Returns ragged rows with the start token before each.

    Args:
        ids: Ragged integers `(B, None)`, the tokens of texts.
        start_id: The token before a text.
        window: Most tokens of a row; of a longer one the last are kept, as in
            the middle of a document, without the start token. `None`: all.
    """
    start = tf.fill([ids.nrows(), 1], tf.constant(start_id, ids.dtype))
    rows: Any = tf.concat([start, ids], axis=1)
    return rows if window is None else rows[:, -window:]
