"""Datasets that TensorFlow does not tune, so that their use ends at once."""

import tensorflow as tf


def without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Keeps the end of a dataset's use from waiting for up to a minute.

    A thread of TensorFlow tunes the parallel calls and buffers of a dataset
    at longer and longer intervals, up to 60 seconds. It can miss the signal
    that nobody uses the dataset any more (TensorFlow 2.20: one time in ten to
    one in two); then `fit`, `evaluate` and `predict` wait, idle, until the
    interval ends. Without the thread `AUTOTUNE` means one parallel call for
    each core, and buffers still grow with the need.

    Example:
        >>> dataset = without_autotuning(tf.data.Dataset.range(2))
        >>> dataset.options().autotune.enabled
        False
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
