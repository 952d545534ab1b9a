"""An endless stream of records whose order depends only on the seed."""

from pathlib import Path

import tensorflow as tf

from keras_ctx.data.records.folder import RecordFolder, open_records


def endless_records(
    records: RecordFolder,
    *,
    batch_size: int,
    seed: int,
    first_step: int,
    shuffle_buffer: int,
    names: bool = False,
) -> tf.data.Dataset:
    """Returns batches of serialized records, pass after pass over the files.

    Args:
        records: The folder that `open_records` returned.
        batch_size: Records per batch.
        seed: The seed of the order of files in a pass, and of records in a
            shuffle buffer.
        first_step: Batches to skip. Their records are read, not parsed.
        shuffle_buffer: Number of records to hold in memory.
        names: Whether to return the names of the records instead.

    Returns:
        A dataset of `(seed, records)`: two int64, different at each step, and
        strings `(batch_size,)`.
    """
    paths = tf.constant(records.paths)

    def in_new_order(number, items):
        # Not `Dataset.shuffle`: its order also depends on TensorFlow's global
        # seed.
        pair = tf.stack([tf.cast(seed, tf.int64), number])
        draw = tf.random.stateless_uniform(tf.shape(items), pair)
        return tf.gather(items, tf.argsort(draw, stable=True))

    def one_pass(number):
        ordered = in_new_order(number, paths)
        if names:
            files = tf.data.Dataset.from_tensor_slices(ordered)
            return files.flat_map(_names)
        return tf.data.TFRecordDataset(ordered)

    # A shuffle buffer may span two passes.
    stream = (
        tf.data.Dataset.range(2**62)
        .flat_map(one_pass)
        .batch(shuffle_buffer)
        .enumerate()
        .map(in_new_order)
        .rebatch(batch_size, drop_remainder=True)
        .skip(first_step)
    )
    steps = tf.data.Dataset.range(first_step, 2**62).map(
        lambda step: tf.stack([tf.cast(seed, tf.int64), step])
    )
    return tf.data.Dataset.zip(steps, stream)


def _names(path: tf.Tensor) -> tf.data.Dataset:
    file = tf.strings.split(path, "/")[-1]
    return (
        tf.data.TFRecordDataset(path)
        .enumerate()
        .map(lambda i, _: tf.strings.join([file, "#", tf.strings.as_string(i)]))
    )


def record_names(
    folder: str | Path,
    step: int,
    *,
    batch_size: int,
    seed: int,
    shuffle_buffer: int = 10_000,
) -> list[str]:
    """Returns the names of the records in a batch of `pair_records_dataset`.

    Args:
        folder: A folder that `recipes/prepare_corpus.py` has written.
        step: Number of the batch, counted from 0.
        batch_size: As for `pair_records_dataset`.
        seed: As for `pair_records_dataset`.
        shuffle_buffer: As for `pair_records_dataset`.

    Returns:
        `<file>#<number of the record in it, counted from 0>` for each example.

    Raises:
        FileNotFoundError: The folder or one of its files does not exist.

    Example:
        >>> record_names("runs/records", 0, batch_size=2, seed=1)
        Traceback (most recent call last):
        FileNotFoundError: ...
    """
    dataset = endless_records(
        open_records(folder, "bert"),
        batch_size=batch_size,
        seed=seed,
        first_step=step,
        shuffle_buffer=shuffle_buffer,
        names=True,
    )
    _, names = next(iter(dataset))
    return [name.decode() for name in names.numpy()]
