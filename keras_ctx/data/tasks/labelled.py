"""Datasets of labelled texts and tagged sentences."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import tensorflow as tf

from keras_ctx.data.batching.loss_weights import normalize_weights
from keras_ctx.data.batching.ragged_rows import ragged_rows
from keras_ctx.data.batching.row_dataset import batched_rows
from keras_ctx.data.batching.token_counts import (
    token_counts,
    word_token_counts,
)
from keras_ctx.data.language_model.next_tokens import next_token_targets
from keras_ctx.data.tasks.class_weights import ClassWeights, weights_of_labels
from keras_ctx.data.tasks.label_array import Labels, label_array
from keras_ctx.data.text_inputs import TextInputs


def classification_dataset(
    texts: Sequence[str],
    labels: Labels,
    text_inputs: TextInputs,
    *,
    batch_size: int,
    training: bool,
    text_pairs: Sequence[str] | None = None,
    class_weights: ClassWeights | None = None,
    seed: int = 0,
    first_step: int = 0,
    bucket_batches: int = 1,
    next_tokens: bool = False,
) -> tf.data.Dataset:
    """Returns batches of texts or text pairs, and their labels.

    For training, the dataset is endless: every epoch has
    `len(texts) // batch_size` full batches of a permutation that is a pure
    function of the seed and the epoch's number. Pass this number of batches to
    `model.fit` as `steps_per_epoch`. For evaluation, it is one pass in the
    given order, with a smaller last batch. `length_order` gives an order with
    little padding.

    Args:
        texts: The texts, in memory.
        labels: One class id per text; for regression, one number with a
            decimal point; or, for several labels per text, K zeros and ones
            (`multi_hot`).
        text_inputs: A `keras_ctx.text.TextInputs`.
        batch_size: Global batch size B, over all replicas.
        training: Whether the dataset is for training (endless and shuffled).
        text_pairs: The second text of each pair; `None` for single texts.
        class_weights: The weight of each class in the loss, by class id, such
            as from `balanced_class_weights`; `None` for no weights.
        seed: The seed of the order in training.
        first_step: Number of the first batch in training.
        bucket_batches: Number of training batches to sort by length together.
            1 means no sorting.
        next_tokens: Whether the batches have the next tokens, too, for a
            `classifier(language_model=True)`.

    Returns:
        A `tf.data.Dataset` of `(features, {"logits": labels})`. Labels are
        int32 or float32 `(B,)`, or multi-hot float32 `(B, K)`. With
        `class_weights` there is a third part, `{"logits": weights}`, float32
        `(B,)`, which sums to 1 over the batch: for a loss with
        `reduction="sum"`. With `next_tokens` targets and weights also have
        `next_token` `(B, T)`; these weights are the same for each token of a
        row, and for each row of at least two tokens sum to 1 / B.

    Raises:
        ValueError: The two lists differ in length, are empty, or do not
            fill one training batch; a class has no weight, or a weight is
            negative; a class id is negative, a number is not finite, or
            multi-hot rows hold anything but zeros and ones; or with
            `next_tokens` the text inputs are not those of a causal encoder.

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
    segments = [texts]
    if text_pairs is not None:
        _check_lengths(texts, "text_pairs", text_pairs)
        segments.append(text_pairs)
    text_tensors = [tf.constant(list(x), tf.string) for x in segments]
    ids = label_array(labels)
    label_tensor = tf.constant(ids)
    weight_tensor = None
    if class_weights is not None:
        if ids.ndim != 1:
            raise ValueError(
                "`class_weights` needs one class per text. Received: labels of "
                f"shape {ids.shape}"
            )
        weight_tensor = tf.constant(
            weights_of_labels(ids.tolist(), class_weights)
        )

    if next_tokens and not getattr(text_inputs, "causal", False):
        raise ValueError(
            "`next_tokens` needs the text inputs of an encoder that reads from "
            "left to right, such as `GPTInputs`. Received: "
            f"{type(text_inputs).__name__}"
        )

    def examples(rows):
        features = text_inputs(*(tf.gather(x, rows) for x in text_tensors))
        targets = {"logits": tf.gather(label_tensor, rows)}
        if weight_tensor is not None:
            weights = normalize_weights(tf.gather(weight_tensor, rows))
        elif next_tokens:
            weights = tf.ones([tf.size(rows)])
        else:
            return features, targets
        if not next_tokens:
            return features, targets, {"logits": weights}
        tokens, counted = next_token_targets(features)
        return (
            features,
            {**targets, "next_token": tokens},
            {"logits": weights, "next_token": counted},
        )

    return batched_rows(
        examples,
        len(texts),
        lambda: token_counts(text_inputs, *segments),
        batch_size=batch_size,
        training=training,
        seed=seed,
        first_step=first_step,
        bucket_batches=bucket_batches,
    )


def tagging_dataset(
    sentences: Sequence[Sequence[str]],
    tags: Sequence[Sequence[int]],
    text_inputs: TextInputs,
    *,
    batch_size: int,
    training: bool,
    seed: int = 0,
    first_step: int = 0,
    bucket_batches: int = 16,
) -> tf.data.Dataset:
    """Returns batches of sentences with a tag id for every word.

    Epochs, order and steps are as in `classification_dataset`. The weights are
    0 on special tokens, on all but the first piece of a word, and on padding.

    Args:
        sentences: The words of every sentence, in memory.
        tags: One tag id per word. A negative id means an unknown tag, which
            has weight 0.
        text_inputs: A `keras_ctx.text.TextInputs`.
        batch_size: Global batch size B, over all replicas.
        training: Whether the dataset is for training (endless and shuffled).
        seed: The seed of the order in training.
        first_step: Number of the first batch in training.
        bucket_batches: Number of training batches to sort by length together.
            1 means no sorting.

    Returns:
        A `tf.data.Dataset` of `(features, {"logits": tags},
        {"logits": weights})`: int32 `(B, T)`, 0 where ignored; float32
        `(B, T)`, summing to 1 over the batch, 0 where ignored.

    Raises:
        ValueError: A sentence and its tags, or the two lists, differ in
            length, are empty, or do not fill one training batch; or a tag
            is not an integer.

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
                "`tags` must hold one tag per word. Received: sentence "
                f"{row} with {length} words and {len(row_tags)} tags"
            )
        for word, tag in enumerate(row_tags):
            if not isinstance(tag, Integral):
                raise ValueError(
                    "`tags` must hold integers; `label_ids` converts names to "
                    f"integers. Received: {tag!r} at word {word} of sentence "
                    f"{row}"
                )
    words, tag_ids = ragged_rows(sentences), ragged_rows(tags, tf.int32)

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

    return batched_rows(
        examples,
        len(sentences),
        lambda: word_token_counts(text_inputs, sentences),
        batch_size=batch_size,
        training=training,
        seed=seed,
        first_step=first_step,
        bucket_batches=bucket_batches,
    )


def _check_lengths(rows: Sequence, name: str, other: Any) -> None:
    if not len(rows) or len(rows) != len(other):
        raise ValueError(
            f"`{name}` must hold one entry per text, and at least one. "
            f"Received: {len(rows)} texts and {len(other)} {name}"
        )
