"""Labelled texts and tagged sentences to batches."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from keras_ctx.data.batches import check_at_least, epoch_batches
from keras_ctx.data.weights import normalize_weights


class TextInputs(Protocol):
    """What `keras_ctx.text` offers for one text, and all that is used."""

    def __call__(
        self, text: tf.Tensor | tf.RaggedTensor
    ) -> dict[str, tf.Tensor]: ...


class TagInputs(TextInputs, Protocol):
    """The same, and labels moved from words to positions."""

    def align_labels(
        self,
        words: tf.RaggedTensor,
        label_ids: tf.RaggedTensor,
        ignore: int = -1,
    ) -> tf.Tensor: ...


def classification_dataset(
    texts: Sequence[str],
    labels: Sequence[int],
    text_inputs: TextInputs,
    *,
    batch_size: int,
    training: bool,
    seed: int = 0,
    first_epoch: int = 0,
    bucket_batches: int = 1,
) -> tf.data.Dataset:
    """Batches of texts and their labels.

    For training, without end: every epoch is `len(texts) // batch_size`
    full batches of a permutation that is a pure function of the seed and
    the epoch's number; pass that number to `model.fit` as
    `steps_per_epoch`. For evaluation: one pass in the given order, the last
    batch smaller. `length_order` gives an order with little padding.

    Args:
        texts: The texts, in memory.
        labels: One class id a text.
        text_inputs: A `BertInputs` or `ElmoInputs`.
        batch_size: B, over all replicas together.
        training: Which of the two.
        seed: Of the order in training.
        first_epoch: Number of the first epoch in training.
        bucket_batches: How many training batches are sorted by length
            together; 1 is no sorting.

    Returns:
        A `tf.data.Dataset` of `(features, {"logits": labels})`, labels
        int32 `(B,)`.

    Raises:
        ValueError: The two lists differ in length, are empty, or do not
            fill one training batch.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> dataset = classification_dataset(
        ...     ["good", "very bad"], [1, 0], ElmoInputs(max_characters=6),
        ...     batch_size=2, training=False,
        ... )
        >>> features, targets = next(iter(dataset))
        >>> features["char_ids"].shape, targets["logits"].numpy()
        (TensorShape([2, 2, 6]), array([1, 0], dtype=int32))
    """
    _check_lengths(texts, "labels", labels)
    text_tensor = tf.constant(list(texts), tf.string)
    label_tensor = tf.constant(list(labels), tf.int32)

    def examples(rows):
        features = text_inputs(tf.gather(text_tensor, rows))
        return features, {"logits": tf.gather(label_tensor, rows)}

    return _batched_rows(
        examples,
        [len(text) for text in texts],
        batch_size=batch_size,
        training=training,
        seed=seed,
        first_epoch=first_epoch,
        bucket_batches=bucket_batches,
    )


def tagging_dataset(
    sentences: Sequence[Sequence[str]],
    tags: Sequence[Sequence[int]],
    text_inputs: TagInputs,
    *,
    batch_size: int,
    training: bool,
    seed: int = 0,
    first_epoch: int = 0,
    bucket_batches: int = 16,
) -> tf.data.Dataset:
    """Batches of sentences and a tag id for every word.

    Epochs, order and steps are those of `classification_dataset`. The
    weights tell where a tag stands: 0 on special tokens, on later pieces of
    a word and on padding.

    Args:
        sentences: The words of every sentence, in memory.
        tags: One tag id a word.
        text_inputs: A `BertInputs` or `ElmoInputs`.
        batch_size: B, over all replicas together.
        training: Endless and shuffled, or one pass in order.
        seed: Of the order in training.
        first_epoch: Number of the first epoch in training.
        bucket_batches: How many training batches are sorted by length
            together; 1 is no sorting.

    Returns:
        A `tf.data.Dataset` of `(features, {"logits": tags},
        {"logits": weights})`: int32 `(B, T)`, 0 where ignored; float32
        `(B, T)`, summing to 1 over the batch, 0 where ignored.

    Raises:
        ValueError: A sentence and its tags, or the two lists, differ in
            length, are empty, or do not fill one training batch.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> dataset = tagging_dataset(
        ...     [["In", "Rome"], ["Yes"]], [[0, 1], [0]],
        ...     ElmoInputs(max_characters=6), batch_size=2, training=False,
        ... )
        >>> features, targets, weights = next(iter(dataset))
        >>> targets["logits"].numpy()
        array([[0, 1],
               [0, 0]], dtype=int32)
        >>> weights["logits"].numpy()
        array([[0.33333334, 0.33333334],
               [0.33333334, 0.        ]], dtype=float32)
    """
    _check_lengths(sentences, "tags", tags)
    lengths = [len(sentence) for sentence in sentences]
    for row, (length, row_tags) in enumerate(zip(lengths, tags, strict=True)):
        if length != len(row_tags):
            raise ValueError(
                "`tags` must hold one tag a word. Received: sentence "
                f"{row} with {length} words and {len(row_tags)} tags"
            )
    flat_words = [word for sentence in sentences for word in sentence]
    flat_tags = [tag for row_tags in tags for tag in row_tags]
    ragged: Any = tf.RaggedTensor  # the type stubs know few of its methods
    words = ragged.from_row_lengths(tf.constant(flat_words, tf.string), lengths)
    tag_ids = ragged.from_row_lengths(tf.constant(flat_tags, tf.int32), lengths)

    def examples(rows):
        row_words = tf.gather(words, rows)
        aligned = text_inputs.align_labels(
            row_words, tf.gather(tag_ids, rows), ignore=-1
        )
        return (
            text_inputs(row_words),
            {"logits": tf.maximum(aligned, 0)},
            {"logits": normalize_weights(aligned >= 0)},
        )

    return _batched_rows(
        examples,
        lengths,
        batch_size=batch_size,
        training=training,
        seed=seed,
        first_epoch=first_epoch,
        bucket_batches=bucket_batches,
    )


def _check_lengths(rows: Sequence, name: str, other: Sequence) -> None:
    if not rows or len(rows) != len(other):
        raise ValueError(
            f"`{name}` must hold one entry a text, and at least one. "
            f"Received: {len(rows)} texts and {len(other)} {name}"
        )


def _batched_rows(
    examples: Callable,
    lengths: list[int],
    *,
    batch_size: int,
    training: bool,
    seed: int,
    first_epoch: int,
    bucket_batches: int,
) -> tf.data.Dataset:
    """Batches of row numbers, mapped by `examples`."""
    check_at_least(1, batch_size=batch_size, bucket_batches=bucket_batches)
    check_at_least(0, seed=seed, first_epoch=first_epoch)
    steps = len(lengths) // batch_size

    def permutation(pass_seed: int) -> Iterator[int]:
        rows = list(range(len(lengths)))
        random.Random(pass_seed).shuffle(rows)
        # Cut before the rows are sorted: else the longest would be dropped.
        return iter(rows[: steps * batch_size])

    def batches():
        for _, rows in epoch_batches(
            permutation,
            batch_size=batch_size,
            seed=seed,
            steps_per_epoch=steps,
            first_epoch=first_epoch,
            num_batches=min(bucket_batches, steps),
            length=lengths.__getitem__,
        ):
            yield rows

    if not training:
        rows = np.arange(len(lengths), dtype=np.int32)
        dataset = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)
    elif steps == 0:
        raise ValueError(
            "`batch_size` must be at most the number of texts in training. "
            f"Received: batch_size={batch_size}, {len(lengths)} texts"
        )
    else:
        dataset = tf.data.Dataset.from_generator(
            batches, output_signature=tf.TensorSpec((batch_size,), tf.int32)
        )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)
