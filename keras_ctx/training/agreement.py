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
    total = _summed(strategy, tf.constant(float(answer)))
    return bool(strategy.experimental_local_results(total)[0])


@tf.function
def _summed(strategy, number: tf.Tensor):
    def of_all(number):
        context = tf.distribute.get_replica_context()
        # An argument as it is has no device, which the sum asks for.
        here = tf.identity(number)
        return context.all_reduce(tf.distribute.ReduceOp.SUM, here)

    return strategy.run(of_all, args=(number,))
