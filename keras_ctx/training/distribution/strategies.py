"""Chooses the devices that a model trains on, by name."""

import functools
from typing import Literal, get_args

import keras
import tensorflow as tf

from keras_ctx.training.distribution.workers import (
    become_worker,
    meet_workers,
    workers,
)

StrategyName = Literal[
    "one_device", "mirrored", "multi_worker", "tpu", "data_parallel"
]


def strategy(
    name: StrategyName = "one_device",
    *,
    batch_size: int | None = None,
    tpu: str = "",
    timeout: float = 300.0,
) -> tf.distribute.Strategy:
    """Returns the strategy in whose `scope()` to build and compile a model.

    Args:
        name: "one_device"; "mirrored": every GPU of this machine or, without
            a GPU, every logical CPU; "multi_worker": the machines of
            `TF_CONFIG`, which all run the same program; "tpu"; or, with Keras
            on JAX, "data_parallel": all devices that JAX sees.
        batch_size: Batch size of all devices together, which must be a
            multiple of their number; `None`: not checked.
        tpu: Name or address of the TPU; empty: the TPU of this machine.
        timeout: Seconds within which all workers must have started.

    Returns:
        A `tf.distribute.Strategy`; calling again returns the same one. `fit`
        trains the result of `keras_ctx.training.distributed` under any of
        them. "data_parallel" sets `keras.distribution`, and its scope has no
        effect.

    Raises:
        ValueError: The name is unknown or for another backend, `TF_CONFIG`
            names no workers, or `batch_size` is not a multiple of the number
            of devices.
        TimeoutError: A worker has not started.

    Example:
        >>> from keras_ctx import models
        >>> with strategy("one_device").scope():
        ...     model = models.bert_tiny(100)
        >>> strategy("mirrored").num_replicas_in_sync
        1
    """
    if name not in get_args(StrategyName):
        raise ValueError(
            f"`name` must be one of {', '.join(get_args(StrategyName))}. "
            f"Received: name={name!r}"
        )
    needed = "jax" if name == "data_parallel" else "tensorflow"
    if name != "one_device" and keras.backend.backend() != needed:
        raise ValueError(
            f"`name` {name!r} needs Keras on {needed}: set KERAS_BACKEND. "
            f"Received: KERAS_BACKEND={keras.backend.backend()}"
        )
    if name == "data_parallel":
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
    if name in ("one_device", "data_parallel"):
        made = tf.distribute.get_strategy()
    else:
        made = _of_this_process(name, tpu, timeout)
    devices = made.num_replicas_in_sync
    if batch_size is not None and batch_size % devices:
        raise ValueError(
            "`batch_size` must be a multiple of the number of devices. "
            f"Received: batch_size={batch_size}, {devices} devices"
        )
    return made


@functools.cache
def _of_this_process(
    name: StrategyName, tpu: str, timeout: float
) -> tf.distribute.Strategy:
    """Creates one strategy only: the collective keys of two would collide."""
    if name == "mirrored":
        devices = tf.config.list_logical_devices(
            "GPU"
        ) or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([x.name for x in devices])
    if name == "multi_worker":
        addresses, index = workers()
        meet_workers(addresses, index, timeout)
        become_worker(index)
        return tf.distribute.MultiWorkerMirroredStrategy()
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu)
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)
