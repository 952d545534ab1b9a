"""Batches of a bidirectional language model from a corpus file."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.loss_weights import normalize_weights
from keras_ctx.data.batching.schedule import (
    epoch_batches,
    shuffled,
)
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.data.language_model.targets import LanguageModelInputs
from keras_ctx.data.readers.lines import read_lines
from keras_ctx.data.text_inputs import TextInputs


def elmo_pretraining_dataset(
    path: str | Path,
    text_inputs: TextInputs,
    vocabulary: Sequence[str],
    *,
    num_negatives: int | None,
    batch_size: int,
    steps_per_epoch: int,
    seed: int,
    first_step: int = 0,
    length: Callable[[str], int] = len,
    shuffle_buffer: int = 10_000,
    bucket_batches: int = 32,
) -> tf.data.Dataset:
    r"""Returns endless batches of next and previous words of a corpus file.

    An example is one line that is not blank. `text_inputs` splits it into
    words and cuts it to its `max_length`. A word outside the vocabulary is
    `<UNK>` as a target, but unchanged as input. Every epoch has
    `steps_per_epoch` full batches and is a pure function of the seed and its
    number, as in `bert_pretraining_dataset`. B is the batch size, T words, C
    characters, N = `num_negatives`.

    Args:
        path: A file with one sentence per line. Blank lines are skipped.
        text_inputs: An `ElmoInputs`.
        vocabulary: The target words by descending frequency, with `<S>`,
            `</S>` and `<UNK>` first.
        num_negatives: Number N of negative samples of the softmax per
            direction; `None` for a model with the full softmax.
        batch_size: Global batch size B, over all replicas.
        steps_per_epoch: Batches per epoch. Pass it to `model.fit`, too.
        seed: The seed of the order and of the negative samples.
        first_step: Number of the first batch.
        length: A function that returns the length of a line, for sorting. The
            default counts characters.
        shuffle_buffer: Number of lines to hold in memory for shuffling.
        bucket_batches: Number of batches to sort by length together. 1 means
            no sorting. More means less padding, and examples of more similar
            length in a batch.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)`.
        Features: `char_ids` `(B, T, C)`, `forward_targets` and
        `backward_targets` `(B, T + 1)` and, if sampled, `negative_ids`
        `(B, 2, N)`, equal for all examples, the forward direction first.
        Targets: `forward` and `backward`, zeros `(B, T + 1)`, because the
        model computes the loss itself. Weights: float32 with the same keys,
        each summing to 1 over the batch.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: An argument is out of range, the vocabulary lacks its
            markers or repeats a word, or the file has no text.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> with open("corpus.txt", "w", encoding="utf-8") as file:
        ...     _ = file.write("a cat sat\na dog ran\n")
        >>> dataset = elmo_pretraining_dataset(
        ...     "corpus.txt", ElmoInputs(max_characters=6),
        ...     ["<S>", "</S>", "<UNK>", "a", "cat", "sat"],
        ...     num_negatives=2, batch_size=2, steps_per_epoch=1, seed=0,
        ... )
        >>> features, targets, weights = next(iter(dataset))
        >>> sorted(features["forward_targets"].numpy().tolist())
        [[3, 2, 2, 1], [3, 4, 5, 1]]
        >>> sorted(features["backward_targets"].numpy().tolist())
        [[0, 3, 2, 2], [0, 3, 4, 5]]
        >>> features["negative_ids"].shape, weights["forward"].numpy()[0]
        (TensorShape([2, 2, 2]), array([0.125, ..., 0.125], dtype=float32))
    """
    check_at_least(
        1,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        num_negatives=1 if num_negatives is None else num_negatives,
        shuffle_buffer=shuffle_buffer,
        bucket_batches=bucket_batches,
    )
    check_at_least(0, seed=seed, first_step=first_step)
    inputs = LanguageModelInputs(text_inputs, vocabulary, num_negatives)
    next(read_lines(path))  # raises errors in the file before training

    def lines(pass_seed: int) -> Iterator[str]:
        return shuffled(
            read_lines(path), seed=pass_seed, shuffle_buffer=shuffle_buffer
        )

    def batches():
        for step_seed, rows in epoch_batches(
            lines,
            batch_size=batch_size,
            seed=seed,
            steps_per_epoch=steps_per_epoch,
            first_step=first_step,
            num_batches=bucket_batches,
            length=length,
        ):
            yield (step_seed, 0), rows

    def examples(step_seed, text):
        sampled = num_negatives is not None
        features, weights = inputs(text, step_seed if sampled else None)
        zeros = tf.zeros_like(weights)
        weights = normalize_weights(weights)
        return (
            features,
            {"forward": zeros, "backward": zeros},
            {"forward": weights, "backward": weights},
        )

    dataset = tf.data.Dataset.from_generator(
        batches,
        output_signature=(
            tf.TensorSpec((2,), tf.int64),
            tf.TensorSpec((batch_size,), tf.string),
        ),
    )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return global_batches(dataset)
