"""Records in an endless order that the seed alone decides."""

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
    """Batches of serialized records, pass after pass over the files.

    Args:
        records: What `open_records` found.
        batch_size: Records of a batch.
        seed: Of the order: files by pass, records in a window.
        first_step: Batches left out: their records are read, not parsed.
        shuffle_buffer: Records held in memory.
        names: Whether to give the names of the records in their place.

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
        ordered = in_new_order(number, paths)
        if names:
            files = tf.data.Dataset.from_tensor_slices(ordered)
            return files.flat_map(_names)
        return tf.data.TFRecordDataset(ordered)

    # Windows reach over from one pass into the next.
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
    """Which records a batch of `pair_records_dataset` is made of.

    Args:
        folder: Of `recipes/prepare_corpus.py`.
        step: Number of the batch, counted from 0.
        batch_size: As there.
        seed: As there.
        shuffle_buffer: As there.

    Returns:
        `<file>#<number of the record in it, counted from 0>` for each row.

    Raises:
        FileNotFoundError: No such records, or a file of them is missing.

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
