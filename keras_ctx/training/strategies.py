"""One word for the devices that a model trains on."""

from typing import Literal

import tensorflow as tf

from keras_ctx.training.workers import meet_workers, workers

StrategyName = Literal["one_device", "mirrored", "multi_worker", "tpu"]


def strategy(
    name: StrategyName = "one_device",
    *,
    tpu: str = "",
    timeout: float = 300.0,
) -> tf.distribute.Strategy:
    """The strategy under whose `scope()` a model is made and compiled.

    Args:
        name: "one_device"; "mirrored": every GPU of this machine or, without
            any, every logical CPU; "multi_worker": the machines of
            `TF_CONFIG`, all of which run the same program; "tpu".
        tpu: Name or address of the TPU; empty for that of this machine.
        timeout: Seconds in which all workers must have been started.

    Returns:
        A `tf.distribute.Strategy`. `keras_ctx.training.distributed` makes a
        model that `fit` trains under any of them.

    Raises:
        ValueError: An unknown name, or a `TF_CONFIG` that says no workers.
        TimeoutError: A worker has not come.

    Example:
        >>> with strategy("one_device").scope():
        ...     model = keras_ctx.models.bert_tiny(100)
        >>> strategy("mirrored").num_replicas_in_sync
        1
    """
    if name == "one_device":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices(
            "GPU"
        ) or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([x.name for x in devices])
    if name == "multi_worker":
        meet_workers(*workers(), timeout)
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    raise ValueError(
        '`name` must be "one_device", "mirrored", "multi_worker" or "tpu". '
        f"Received: name={name!r}"
    )
