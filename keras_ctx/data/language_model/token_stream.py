"""Endless texts in windows from a file of tokens, for carried states."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.schedule import mixed_seed
from keras_ctx.data.batching.sharding import global_batches

_DTYPE = np.dtype("<i4")
_DRAWN = 4096  # lengths at a time
# Those of awd-lstm-lm: how often a window is half as long, how far its length
# is from that, and the least.
_HALF, _DEVIATION, _LEAST = 0.05, 5.0, 5


def token_stream(
    path: str | Path,
    length: int,
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    varied: bool = False,
    backward: bool = False,
) -> tf.data.Dataset:
    """Returns endless batches of tokens for a model that carries its states.

    Row k of a batch continues row k of the batch before. The rows begin at
    equal distances in the text, the first at a place drawn from the seed, and
    each reads all of it, again and again; behind its end follows its
    beginning. Batch k is a function of the seed and k, and `first_step` skips
    the batches before it at once. B is the batch size, T the length.

    Args:
        path: A file of `write_tokens`. It is not read into memory.
        length: Number T of tokens of a window: how far gradients reach back.
        batch_size: Global batch size B, over all replicas.
        seed: The seed of the first place, and of the lengths.
        first_step: Number of the first batch.
        varied: Whether T is drawn for each batch, so that windows begin at
            other places in each pass: with a probability of 0.95 around
            `length`, else around half of it, with a standard deviation of 5
            and at least 5.
        backward: Whether the text is read from its end to its beginning.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)` for an
        `awd_lstm_stream_model`: `token_ids` and `padding_mask` `(B, T)`; the
        next tokens `next_token` `(B, T)`; and weights, which sum to 1.

    Raises:
        ValueError: An argument is out of range, or the file has fewer than
            `batch_size * (length + 1)` tokens.

    Example:
        >>> np.arange(12, dtype="<i4").tofile("tokens.bin")
        >>> batches = iter(token_stream("tokens.bin", 3, batch_size=2, seed=0))
        >>> for _ in range(2):
        ...     features, targets, weights = next(batches)
        ...     print(features["token_ids"].numpy().tolist())
        [[7, 8, 9], [1, 2, 3]]
        [[10, 11, 0], [4, 5, 6]]

    Source:
        Merity et al. 2018, section 4.1, https://arxiv.org/abs/1708.02182; as
        in salesforce/awd-lstm-lm.

    Differs:
        awd-lstm-lm scales the learning rate of a batch by its length, which
        an Adam with a schedule does not do; starts each pass at the beginning
        of the text, with states of zeros; and drops what is left over at its
        end.
    """
    check_at_least(1, length=length, batch_size=batch_size)
    check_at_least(0, seed=seed, first_step=first_step)
    tokens = np.memmap(path, _DTYPE, mode="r")
    if len(tokens) < batch_size * (length + 1):
        raise ValueError(
            "`path` must hold `batch_size * (length + 1)` tokens or more. "
            f"Received: {len(tokens)} in {path}, batch_size={batch_size}, "
            f"length={length}. Use shorter or fewer rows, or more text."
        )
    first = mixed_seed(seed, "first") % len(tokens)
    starts = first + np.arange(batch_size) * len(tokens) // batch_size

    def windows() -> Iterator[np.ndarray]:
        for place, count in window_lengths(length, varied, seed, first_step):
            at = (starts[:, None] + place + np.arange(count + 1)) % len(tokens)
            if backward:
                at = len(tokens) - 1 - at
            yield tokens[at].astype("int32")

    def examples(rows):
        ids = rows[:, :-1]
        count = tf.cast(tf.size(ids), tf.float32)
        features = {
            "token_ids": ids,
            "padding_mask": tf.ones_like(ids, tf.bool),
        }
        weights = tf.ones_like(ids, tf.float32) / count
        return features, {"next_token": rows[:, 1:]}, {"next_token": weights}

    dataset = tf.data.Dataset.from_generator(
        windows,
        output_signature=tf.TensorSpec(
            (batch_size, None if varied else length + 1), tf.int32
        ),
    )
    return global_batches(dataset.map(examples))


def window_lengths(
    length: int, varied: bool, seed: int, first_step: int
) -> Iterator[tuple[int, int]]:
    """Yields the place in a row and the length of each window.

    Args:
        length: As of `token_stream`.
        varied: As of `token_stream`.
        seed: Seed of the lengths.
        first_step: Number of windows to skip.
    """
    place = first_step * length
    if not varied:
        while True:
            yield place, length
            place += length
    block, step = divmod(first_step, _DRAWN)
    place = sum(
        int(_drawn_lengths(length, seed, k).sum()) for k in range(block)
    )
    while True:
        counts = _drawn_lengths(length, seed, block).tolist()
        place += sum(counts[:step])
        for count in counts[step:]:
            yield place, count
            place += count
        block, step = block + 1, 0


def _drawn_lengths(length: int, seed: int, block: int) -> np.ndarray:
    """Returns the lengths of a block of windows."""
    draw = np.random.default_rng(mixed_seed(seed, "lengths", block))
    around = np.where(draw.random(_DRAWN) < _HALF, length / 2, length)
    drawn = draw.normal(around, _DEVIATION).astype("int64")
    return np.maximum(drawn, _LEAST)
