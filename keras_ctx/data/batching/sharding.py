"""The last step of every training dataset: batches for all devices together."""

import tensorflow as tf


def global_batches(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Each worker makes the same batches, and takes its own rows of each.

    TensorFlow would rather give each worker some of the files, and with it
    batches of which no seed knows.
    """
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
