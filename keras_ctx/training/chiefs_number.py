"""A number on which all workers agree."""

from typing import Any

import tensorflow as tf


def chiefs_number(number: float, strategy: Any) -> float:
    """The number of the first worker, on all of them.

    All call it, and none goes on before the last one has: what the first one
    wrote before is there for the others to read.

    Args:
        number: That of this worker.
        strategy: That of the model. Only under `MultiWorkerMirroredStrategy`
            are there others to agree with.

    Returns:
        The first one's `number`, which may not be finite.

    Example:
        >>> chiefs_number(0.5, tf.distribute.get_strategy())
        0.5
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return number

    def of_the_first():
        context = tf.distribute.get_replica_context()
        first = context.replica_id_in_sync_group == 0
        return tf.where(first, tf.constant(number, tf.float64), 0.0)

    return float(strategy.reduce("SUM", strategy.run(of_the_first), axis=None))
