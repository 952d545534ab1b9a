"""The steps that ours and KerasHub take in the same way."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .step import LEARNING_RATE, WEIGHT_DECAY, Step, Task, real_tokens


def use_threads(task: Task) -> None:
    threads = task["threads"]
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def features(inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns ids, segments and the mask."""
    ids = np.array(inputs["token_ids"], "int32")
    mask = real_tokens(inputs["lengths"], ids.shape[1])
    return {
        "token_ids": ids,
        "segment_ids": np.zeros_like(ids),
        "padding_mask": mask,
    }


def inference_step(
    model: keras.Model, output: str, mask_dtype: str = "bool"
) -> Step:
    """Returns the step of one compiled call."""

    @tf.function
    def call(inputs):
        return model(inputs, training=False)[output]

    def feed(inputs):
        fed = features(inputs)
        fed["padding_mask"] = fed["padding_mask"].astype(mask_dtype)
        return {name: tf.constant(array) for name, array in fed.items()}

    return Step(feed, call, as_float32)


def as_float32(tensor: Any) -> np.ndarray:
    return tf.cast(tensor, tf.float32).numpy()


def training_step(
    model: keras.Model,
    feed: Callable[[dict[str, Any]], tuple[dict[str, np.ndarray], np.ndarray]],
    adamw: type[keras.optimizers.Optimizer] = keras.optimizers.AdamW,
) -> Step:
    """Returns a step of AdamW, which returns the loss before it.

    XLA is off for both: on a CPU it is not faster, and with bfloat16 slower.
    """
    model.compile(
        adamw(LEARNING_RATE, weight_decay=WEIGHT_DECAY),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )

    def compute(fed):
        # Without the reset it would be the mean loss of all steps.
        model.reset_metrics()
        return model.train_on_batch(*fed)

    return Step(feed, compute, lambda loss: np.array([loss], "float32"))


def with_classes(inputs: Any, pooled: Any, kernel: np.ndarray) -> keras.Model:
    """Returns a model with logits of two classes, from given weights."""
    head = keras.layers.Dense(2, name="classes")
    model = keras.Model(inputs, head(pooled))
    head.kernel.assign(kernel)
    return model
