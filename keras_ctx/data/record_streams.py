"""Records in an endless order that the seed alone decides."""

import tensorflow as tf

from keras_ctx.data.record_files import RecordFolder


def endless_records(
    records: RecordFolder,
    *,
    batch_size: int,
    seed: int,
    first_step: int,
    shuffle_window: int,
) -> tf.data.Dataset:
    """Batches of serialized records, pass after pass over the files.

    Args:
        records: What `open_records` found.
        batch_size: Records of a batch.
        seed: Of the order: files by pass, records in a window.
        first_step: Batches left out: their records are read, not parsed.
        shuffle_window: Records held in memory.

    Returns:
        A dataset of `(seed, records)`: two int64 that no other step has, and
        strings `(batch_size,)`.
    """
    paths = tf.constant(records.paths)

    def in_new_order(number, items):
        # Not `Dataset.shuffle`, whose order depends on TensorFlow's global
        # seed, too.
        pair = tf.stack([tf.cast(seed, tf.int64), number])
        draw = tf.random.stateless_uniform(tf.shape(items), pair)
        return tf.gather(items, tf.argsort(draw, stable=True))

    def one_pass(number):
        return tf.data.TFRecordDataset(in_new_order(number, paths))

    # Windows reach over from one pass into the next.
    stream = (
        tf.data.Dataset.range(2**62)
        .flat_map(one_pass)
        .batch(shuffle_window)
        .enumerate()
        .map(in_new_order)
        .rebatch(batch_size, drop_remainder=True)
        .skip(first_step)
    )
    steps = tf.data.Dataset.range(first_step, 2**62).map(
        lambda step: tf.stack([tf.cast(seed, tf.int64), step])
    )
    return tf.data.Dataset.zip(steps, stream)
