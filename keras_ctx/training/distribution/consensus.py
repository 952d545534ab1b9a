"""Numbers and flags on which all workers agree.

All workers must call these functions, and none continues before the last one
has called. There are other workers under `MultiWorkerMirroredStrategy` only.
"""

from typing import Any

import tensorflow as tf


def chiefs_number(number: float, strategy: Any) -> float:
    """Returns the number of the first worker, on all workers.

    After the call, the other workers can read what the first one has written.

    Args:
        number: The number of this worker.
        strategy: The strategy of the model.

    Returns:
        The `number` of the first worker; it may be NaN or infinite.

    Example:
        >>> chiefs_number(0.5, tf.distribute.get_strategy())
        0.5
    """
    if not _has_others(strategy):
        return number

    first = strategy.cluster_resolver.task_id == 0
    return _sum(strategy, tf.constant(number if first else 0.0, tf.float64))


def any_worker(answer: bool, strategy: Any, ask: bool = True) -> bool:
    """Returns whether the flag of any worker is true.

    Args:
        answer: The flag of this worker.
        strategy: The strategy of the model.
        ask: Whether to exchange the flags now, the same on all workers. If
            not, the result with several workers is `False`.

    Example:
        >>> any_worker(True, tf.distribute.get_strategy(), ask=False)
        True
    """
    if not _has_others(strategy):
        return answer
    if not ask:
        return False
    return _sum(strategy, tf.constant(float(answer), tf.float64)) > 0


def _has_others(strategy: Any) -> bool:
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def _sum(strategy: Any, number: tf.Tensor) -> float:
    total = _summed(strategy, number)
    return float(strategy.experimental_local_results(total)[0])


# As a function, since TensorFlow warns about running this eagerly.
@tf.function
def _summed(strategy: Any, number: tf.Tensor) -> Any:
    def of_all(number):
        context = tf.distribute.get_replica_context()
        # The sum requires a device, which an argument does not have.
        here = tf.identity(number)
        return context.all_reduce(tf.distribute.ReduceOp.SUM, here)

    return strategy.run(of_all, args=(number,))
