"""Loss weights that are independent of the number of devices."""

import tensorflow as tf


def normalize_weights(weights: tf.Tensor) -> tf.Tensor:
    """Scales weights so that they sum to 1 over the batch.

    With `reduction="sum"`, a loss with these weights is the weighted mean
    over the *global* batch, even if the batch is later split over replicas
    with different numbers of real targets. If all weights are zero, they stay
    zero.

    Args:
        weights: Non-negative numbers of any shape.

    Returns:
        A float32 tensor of the same shape.

    Example:
        >>> normalize_weights(tf.constant([[1, 1], [1, 0]])).numpy()
        array([[0.33333334, 0.33333334],
               [0.33333334, 0.        ]], dtype=float32)
    """
    weights = tf.cast(weights, tf.float32)
    return weights / tf.maximum(tf.reduce_sum(weights), 1e-12)
