"""Numbers and answers on which all workers agree.

All of them call, and none goes on before the last one has. Only under
`MultiWorkerMirroredStrategy` are there others to agree with.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def chiefs_number(number: float, strategy: Any) -> float:
    """The number of the first worker, on all of them.

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

    def of_the_first():
        context = tf.distribute.get_replica_context()
        first = context.replica_id_in_sync_group == 0
        return tf.where(first, tf.constant(number, tf.float64), 0.0)

    return _sum(of_the_first, strategy)


def any_worker(answer: bool, strategy: Any, ask: bool = True) -> bool:
    """Whether any worker's answer is yes.

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
    return _sum(lambda: tf.identity(float(answer)), strategy) > 0


def _has_others(strategy: Any) -> bool:
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def _sum(number: Callable[[], tf.Tensor], strategy: Any) -> float:
    return float(strategy.reduce("SUM", strategy.run(number), axis=None))
