"""Batches of example numbers, mapped to the inputs of a model."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.schedule import epoch_batches
from keras_ctx.data.batching.sharding import global_batches


def batched_rows(
    examples: Callable,
    number: int,
    lengths: Callable[[], Sequence[int]],
    *,
    batch_size: int,
    training: bool,
    seed: int,
    first_step: int,
    bucket_batches: int,
) -> tf.data.Dataset:
    """Returns batches of example numbers, mapped by `examples`.

    For training, the dataset is endless: every epoch has
    `number // batch_size` full batches of a permutation that depends on the
    seed and the epoch's number, and `bucket_batches` of them are sorted
    together by `lengths`, which is called once. Otherwise it is one pass in
    the given order, with a smaller last batch.
    """
    check_at_least(1, batch_size=batch_size, bucket_batches=bucket_batches)
    check_at_least(0, seed=seed, first_step=first_step)
    steps = number // batch_size
    num_batches = min(bucket_batches, steps)

    def permutation(pass_seed: int) -> Iterator[int]:
        rows = list(range(number))
        random.Random(pass_seed).shuffle(rows)
        # Cut before sorting, which would drop the longest examples.
        return iter(rows[: steps * batch_size])

    @cache
    def sizes() -> Sequence[int]:
        # One batch is in the order of its rows.
        return lengths() if num_batches > 1 else [0] * number

    def batches():
        for _, rows in epoch_batches(
            permutation,
            batch_size=batch_size,
            seed=seed,
            steps_per_epoch=steps,
            first_step=first_step,
            num_batches=num_batches,
            length=sizes().__getitem__,
        ):
            yield rows

    if not training:
        rows = np.arange(number, dtype=np.int32)
        dataset = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)
    elif steps == 0:
        raise ValueError(
            "`batch_size` must be at most the number of texts in training. "
            f"Received: batch_size={batch_size}, {number} texts"
        )
    else:
        dataset = tf.data.Dataset.from_generator(
            batches, output_signature=tf.TensorSpec((batch_size,), tf.int32)
        )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return global_batches(dataset)
