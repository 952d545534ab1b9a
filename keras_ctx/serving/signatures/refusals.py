"""Refuses, in the graph, what a request must not have."""

from typing import Any

import tensorflow as tf


def refuse(wrong: tf.Tensor, rule: str, *values: tf.Tensor) -> Any:
    """Fails with a rule and the values of the first rows that break it."""
    received = [tf.boolean_mask(x, wrong) for x in values]
    return tf.debugging.Assert(
        ~tf.reduce_any(wrong), [f"{rule} Received:", *received], summarize=4
    )


def refuse_other_rows(
    name: str, x: tf.Tensor, of: str, rows: tf.Tensor
) -> tf.Tensor:
    """Returns the input `name`; fails unless it has the rows of `of`."""
    found, rows = tf.size(x), tf.cast(rows, tf.int32)
    same = tf.debugging.Assert(
        tf.equal(found, rows),
        [f"`{name}` must have a row for each of `{of}`. Received:"]
        + [found, rows],
    )
    with tf.control_dependencies([same]):
        return tf.identity(x)
