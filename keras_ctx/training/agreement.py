"""One answer of all workers."""

from typing import Any

import keras
import tensorflow as tf


def any_worker(model: keras.Model, answer: bool, ask: bool) -> bool:
    """Whether any worker's answer is yes; of one process its own.

    Several workers must all ask at the same moment, since each waits for the
    others; where `ask` is false none of them does, and the answer is no.

    Args:
        model: In training.
        answer: Of this process.
        ask: The same on all workers.
    """
    kind = tf.distribute.MultiWorkerMirroredStrategy
    strategy: Any = getattr(model, "distribute_strategy", None)
    if not isinstance(strategy, kind):
        return answer
    if not ask:
        return False
    total = strategy.run(_summed, args=(tf.constant(int(answer)),))
    return bool(strategy.experimental_local_results(total)[0])


@tf.function
def _summed(number: tf.Tensor) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, number)
