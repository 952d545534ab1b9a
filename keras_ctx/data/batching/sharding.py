"""The last step of every training dataset: global batches."""

import tensorflow as tf

from keras_ctx.files.untuned_dataset import without_autotuning


def global_batches(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Makes each worker build the same batches and use its part of each.

    By default, TensorFlow gives each worker some of the files, so batches
    would not be a function of the seed.
    """
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    prefetched = dataset.prefetch(tf.data.AUTOTUNE)
    return without_autotuning(prefetched.with_options(options))
