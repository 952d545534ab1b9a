"""A small model and an endless stream of batches for tests of long runs."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_ctx import training

STEPS = 7  # per epoch


def small_model(**optimizer) -> keras.Model:
    keras.utils.set_random_seed(1)
    x = keras.Input((3,))
    y = keras.layers.Dropout(0.5)(keras.layers.Dense(2000, "relu")(x))
    model = keras.Model(x, keras.layers.Dense(1)(y))
    model.compile(
        training.bert_optimizer(0.01, 4 * STEPS, **optimizer),
        "mse",
        weighted_metrics=["mae"],
        jit_compile=False,
    )
    return model


def batches(first_step: int) -> tf.data.Dataset:
    """Returns batches; batch n is a function of n."""

    def batch(step):
        seed = tf.stack([step, 1])
        x = tf.random.stateless_normal((4, 3), seed)
        return x, tf.reduce_sum(x, 1, keepdims=True), tf.ones(4)

    return tf.data.Dataset.range(first_step, 2**40).map(batch)


class At(keras.callbacks.Callback):
    """Calls a function after a step, counted from 1, or an epoch."""

    def __init__(self, what, step: int | None = None, epoch: int | None = None):
        super().__init__()
        self.what, self.step, self.epoch = what, step, epoch

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == self.step:
            self.what()

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            self.what()


def interrupt() -> None:
    raise KeyboardInterrupt


def terminate(number: int = signal.SIGTERM) -> Callable[[], None]:
    """Returns a function that sends this process a signal."""
    return lambda: os.kill(os.getpid(), number)


def fit(
    folder: Path,
    *before: keras.callbacks.Callback,
    after: tuple[keras.callbacks.Callback, ...] = (),
    optimizer: dict | None = None,
    **options: Any,
) -> keras.Model:
    """Trains up to four epochs."""
    model = small_model(**(optimizer or {}))
    model.fit(
        batches(training.completed_steps(folder)),
        epochs=4,
        steps_per_epoch=STEPS,
        shuffle=False,
        verbose=0,
        callbacks=[
            *before,
            *training.run_callbacks(folder, batches_per_write=3, **options),
            *after,
        ],
    )
    return model
