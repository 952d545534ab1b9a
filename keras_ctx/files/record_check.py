"""Reads TFRecord files to their end, to verify the checksum of each record."""

from pathlib import Path

import tensorflow as tf

from keras_ctx.files.untuned_dataset import without_autotuning

_BATCH = 4096
_BUFFER = 1 << 23
# A record with a wrong checksum, and one that is cut off.
_DAMAGE = (tf.errors.DataLossError, tf.errors.OutOfRangeError)


def count_records(path: str | Path) -> int:
    """Returns the number of records of a file, and checks that all are whole.

    The disk limits the speed.

    Args:
        path: A TFRecord file.

    Returns:
        The number of its records.

    Raises:
        ValueError: A record is damaged or cut off.

    Example:
        >>> with tf.io.TFRecordWriter("two.tfrecord") as writer:
        ...     writer.write(b"one")
        ...     writer.write(b"two")
        >>> count_records("two.tfrecord")
        2
    """
    dataset = tf.data.TFRecordDataset(str(path), buffer_size=_BUFFER)
    try:
        sizes = without_autotuning(dataset.batch(_BATCH).map(tf.size))
        return sum(int(size) for size in sizes.as_numpy_iterator())
    except _DAMAGE as error:
        raise ValueError(
            f"{path}: every record must be whole. Received: record "
            f"{good_records(path)}, counted from 0, does not fit its checksum "
            "or is cut off."
        ) from error


def good_records(path: str | Path) -> int:
    """Returns the number of records before the first damaged one."""
    good = 0
    try:
        for _ in tf.data.TFRecordDataset(str(path)):
            good += 1
    except _DAMAGE:
        pass
    return good
