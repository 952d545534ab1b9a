"""Numbers and answers on which all workers agree.

All of them call, and none goes on before the last one has. Only under
`MultiWorkerMirroredStrategy` are there others to agree with.
"""

from typing import Any

import tensorflow as tf


def chiefs_number(number: float, strategy: Any) -> float:
    """Returns the number of the first worker, on all of them.

    What the first one wrote before is there for the others to read.

    Args:
        number: That of this worker.
        strategy: That of the model.

    Returns:
        The first one's `number`, which may not be finite.

    Example:
        >>> chiefs_number(0.5, tf.distribute.get_strategy())
        0.5
    """
    if not _has_others(strategy):
        return number

    first = strategy.cluster_resolver.task_id == 0
    return _sum(strategy, tf.constant(number if first else 0.0, tf.float64))


def any_worker(answer: bool, strategy: Any, ask: bool = True) -> bool:
    """Returns whether any worker's answer is yes.

    Args:
        answer: That of this worker.
        strategy: That of the model.
        ask: Whether they ask each other now, the same on all; where they do
            not, the answer of several is no.

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


# Else TensorFlow would warn that it runs eagerly.
@tf.function
def _summed(strategy: Any, number: tf.Tensor) -> Any:
    def of_all(number):
        context = tf.distribute.get_replica_context()
        # An argument as it is has no device, which the sum asks for.
        here = tf.identity(number)
        return context.all_reduce(tf.distribute.ReduceOp.SUM, here)

    return strategy.run(of_all, args=(number,))
