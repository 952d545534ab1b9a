"""Endless texts in windows from a corpus file, for ELMo's training."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.loss_weights import normalize_weights
from keras_ctx.data.batching.schedule import (
    mixed_seed,
    shuffled,
)
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.data.language_model.targets import BEGIN, END, TargetTable
from keras_ctx.data.readers.lines import read_lines
from keras_ctx.data.records.folder import open_records
from keras_ctx.files.untuned_dataset import without_autotuning


def elmo_stream_dataset(
    path: str | Path,
    text_inputs: Callable[[tf.RaggedTensor], dict[str, tf.Tensor]],
    vocabulary: Sequence[str],
    *,
    num_negatives: int | None,
    batch_size: int,
    window_size: int,
    seed: int,
    first_step: int = 0,
    split: Callable[[str], list[str]] = str.split,
    shuffle_buffer: int = 10_000,
    num_devices: int = 1,
) -> tf.data.Dataset:
    r"""Returns endless batches of words and their next words from a corpus.

    Each row of a batch is an endless text: a sentence (a line) between its
    markers, the next sentence, and so on. A window is the next `window_size`
    words of it. There is no padding, and the state of a model carries over
    from window to window. The rows take their sentences from consecutive
    shuffled passes over the file. The backward rows take their own sentences,
    and read each from its end. A word outside the vocabulary is `<UNK>` as a
    target, but unchanged as input. B is the batch size, U the window, N =
    `num_negatives`.

    Batch k is a function of the seed and k. `first_step` skips the batches
    before it, but reads their lines, about a million words per second.

    Args:
        path: A file with one sentence per line, of which blank lines are
            skipped. Or a folder of records, whose files each pass reads in
            another order.
        text_inputs: An `ElmoInputs(distinct=True)`, or a `WordInputs`.
        vocabulary: The target words by descending frequency, with `<S>`,
            `</S>` and `<UNK>` first.
        num_negatives: Number N of negative samples of the softmax per
            direction; `None` for the full softmax.
        batch_size: Global batch size B, over all devices.
        window_size: Number U of words per row and step.
        seed: The seed of the order and of the negative samples.
        first_step: Number of the first batch.
        split: A function that splits a line into words. `list` splits it into
            characters.
        shuffle_buffer: Number of lines to hold in memory per direction.
        num_devices: Number of devices that share a batch; a divisor of B.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)` for a
        model of `elmo_stream_model` with the same `num_devices`. Targets are
        zeros, because the model computes the loss itself. Weights are equal
        and sum to 1.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: An argument is out of range, the vocabulary lacks its
            markers or repeats a word, or the file has no text.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> with open("corpus.txt", "w", encoding="utf-8") as file:
        ...     _ = file.write("a cat\n")
        >>> dataset = elmo_stream_dataset(
        ...     "corpus.txt", ElmoInputs(distinct=True),
        ...     ["<S>", "</S>", "<UNK>", "a", "cat"],
        ...     num_negatives=None, batch_size=1, window_size=4, seed=0,
        ... )
        >>> features, targets, weights = next(iter(dataset))
        >>> features["forward_targets"].numpy()  # a cat </S> a
        array([[3, 4, 1, 3]], dtype=int32)
        >>> features["backward_targets"].numpy()  # cat a <S> cat
        array([[4, 3, 0, 4]], dtype=int32)

    Source:
        The training data of allenai/bilm-tf.
    """
    check_at_least(
        1,
        batch_size=batch_size,
        window_size=window_size,
        num_negatives=1 if num_negatives is None else num_negatives,
        shuffle_buffer=shuffle_buffer,
    )
    check_at_least(0, seed=seed, first_step=first_step)
    check_at_least(1, num_devices=num_devices)
    if batch_size % num_devices:
        raise ValueError(
            "`batch_size` must be a multiple of `num_devices`. Received: "
            f"batch_size={batch_size}, num_devices={num_devices}"
        )
    table = TargetTable(vocabulary, num_negatives)
    lines = _lines_of(Path(path))
    if not any(split(line) for line in lines(seed)):
        raise ValueError(f"`path` must hold words. Received: none in {path}")

    def windows():
        both = [
            _windows(
                _sentences(
                    lines, split, mixed_seed(seed, name), shuffle_buffer
                ),
                batch_size,
                window_size,
                backward=name == "backward",
            )
            for name in ("forward", "backward")
        ]
        steps = itertools.islice(zip(*both, strict=True), first_step, None)
        for step, (forward, backward) in enumerate(steps, first_step):
            words = np.concatenate([forward[0], backward[0]])
            following = np.concatenate([forward[1], backward[1]])
            yield (mixed_seed(seed, "step", step), 0), words, following

    def examples(step_seed, words, following):
        rows = tf.RaggedTensor.from_tensor(words)  # pyright: ignore
        features = dict(text_inputs(rows))
        ids = features.pop("word_ids")
        if num_devices > 1 and "distinct_char_ids" in features:
            features["distinct_char_ids"] = _for_each_device(
                features["distinct_char_ids"], batch_size, num_devices
            )
        # A `WordInputs` reads a marker in a text as an unknown word.
        for marker, marker_id in ((BEGIN, 1), (END, 2)):
            ids = tf.where(words == marker, marker_id, ids)
        word_ids = tf.split(ids, 2)
        targets = tf.split(table.target_ids(following), 2)
        for key, ids, target in zip(
            ("forward", "backward"), word_ids, targets, strict=True
        ):
            shape = (batch_size, window_size)
            features[f"{key}_word_ids"] = tf.ensure_shape(ids, shape)
            features[f"{key}_targets"] = target
        if num_negatives is not None:
            features["negative_ids"] = table.negatives(step_seed, batch_size)
        zeros = tf.zeros((batch_size, window_size))
        weights = normalize_weights(tf.ones_like(zeros))
        return (
            features,
            {"forward": zeros, "backward": zeros},
            {"forward": weights, "backward": weights},
        )

    window = tf.TensorSpec((2 * batch_size, window_size), tf.string)
    dataset = tf.data.Dataset.from_generator(
        windows,
        output_signature=(tf.TensorSpec((2,), tf.int64), window, window),
    )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return global_batches(dataset)


def _for_each_device(
    words: tf.Tensor, batch_size: int, num_devices: int
) -> tf.Tensor:
    """Copies words `(W, C)` to each device: `(B, K, C)`."""
    rows = batch_size // num_devices
    number, characters = tf.unstack(tf.shape(words))
    in_a_row = -(-number // rows)  # rounded up
    filled = tf.pad(words, [[0, rows * in_a_row - number], [0, 0]])
    shared = tf.reshape(filled, (rows, in_a_row, characters))
    return tf.ensure_shape(
        tf.tile(shared, (num_devices, 1, 1)),
        (batch_size, None, words.shape[-1]),
    )


def _lines_of(path: Path) -> Callable[[int], Iterator[str]]:
    """Returns a function of a seed that makes one pass over the lines."""
    if not path.is_dir():
        return lambda seed: read_lines(path)
    paths = open_records(path, "elmo", whole=True).paths

    def lines(seed: int) -> Iterator[str]:
        order = random.Random(seed).sample(paths, len(paths))
        stream = tf.data.TFRecordDataset(order).batch(1000)
        for records in without_autotuning(stream):
            for record in records.numpy():
                yield record.decode()

    return lines


def _sentences(
    lines: Callable[[int], Iterator[str]],
    split: Callable[[str], list[str]],
    seed: int,
    shuffle_buffer: int,
) -> Iterator[list[str]]:
    """Yields the words of every line, pass after pass, in changing order."""
    for index in itertools.count():
        pass_seed = mixed_seed(seed, "pass", index)
        for line in shuffled(
            lines(pass_seed), seed=pass_seed, shuffle_buffer=shuffle_buffer
        ):
            if words := split(line):
                yield words


def _windows(
    sentences: Iterator[list[str]],
    batch_size: int,
    window_size: int,
    backward: bool,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields words `(B, U)` and the next word of each."""
    held: list[tuple[list[str], list[str]]] = [
        ([], []) for _ in range(batch_size)
    ]
    while True:
        for words, following in held:
            while len(words) < window_size:
                read = [BEGIN, *next(sentences), END]
                if backward:
                    read.reverse()
                words += read[:-1]
                following += read[1:]
        words, following = (
            np.array([row[part][:window_size] for row in held], object)
            for part in (0, 1)
        )
        yield words, following
        for words, following in held:
            del words[:window_size], following[:window_size]
