"""Loss weights that mean the same on one device and on many."""

import tensorflow as tf


def normalize_weights(weights: tf.Tensor) -> tf.Tensor:
    """Scale weights so that they sum to 1 over the batch.

    With `reduction="sum"` a loss under these weights is the weighted mean
    over the *global* batch, also when the batch is later split over
    replicas that hold different numbers of real targets. Weights that are
    all zero stay zero.

    Args:
        weights: Numbers that are not negative, of any shape.

    Returns:
        A float32 tensor of the same shape.

    Example:
        >>> normalize_weights(tf.constant([[1, 1], [1, 0]])).numpy()
        array([[0.33333334, 0.33333334],
               [0.33333334, 0.        ]], dtype=float32)
    """
    weights = tf.cast(weights, tf.float32)
    return weights / tf.maximum(tf.reduce_sum(weights), 1e-12)
