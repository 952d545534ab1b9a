"""Batches of rows with several texts, to train an embedder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.data.batching.row_dataset import batched_rows
from keras_ctx.data.batching.token_counts import token_counts
from keras_ctx.data.text_inputs import TextInputs


def siamese_dataset(
    columns: Sequence[Sequence[str]],
    text_inputs: TextInputs,
    *,
    batch_size: int,
    scores: Sequence[float] | None = None,
    seed: int = 0,
    first_step: int = 0,
    bucket_batches: int = 1,
) -> tf.data.Dataset:
    """Returns endless, shuffled batches for a `models.siamese_embedder`.

    Epochs, order and steps are as in `classification_dataset` for training.

    Args:
        columns: N lists of texts: the first texts, the second ones, and any
            further ones, such as hard negatives.
        text_inputs: A `keras_ctx.text.TextInputs` of one text a row.
        batch_size: Global batch size B, over all replicas; at least 2.
        scores: A score for each row; `None`: the targets tell equal texts.
        seed: The seed of the order.
        first_step: Number of the first batch.
        bucket_batches: Number of batches to sort by length together. Texts of
            a batch are then similar in length, also as negatives of each
            other. 1 means no sorting.

    Returns:
        A `tf.data.Dataset` of `(features, {"embeddings": targets})`. Features
        have the shape `(B, N, T)`. Targets are float32 scores `(B,)`; without
        scores int32 `(B, N)`, a number for each text, the same for texts that
        the encoder reads as the same: equal texts, and texts that differ only
        in case, if it does not see it, or behind the cut.

    Raises:
        ValueError: There are fewer than two columns, they differ in length, or
            do not fill one batch; `batch_size` is below 2; a score is not
            finite, or there are scores of more than two texts; or the text
            inputs give each word of a batch once.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> dataset = siamese_dataset(
        ...     [["a b", "c"], ["b", "c"]], ElmoInputs(max_characters=6),
        ...     batch_size=2)
        >>> features, targets = next(iter(dataset))
        >>> features["char_ids"].shape
        TensorShape([2, 2, 2, 6])
        >>> len(set(targets["embeddings"].numpy().ravel().tolist()))
        3
    """
    check_columns(columns, scores)
    if batch_size < 2:
        raise ValueError(
            "`batch_size` must be at least 2: rows are compared with the "
            f"others of their batch. Received: batch_size={batch_size}"
        )
    if getattr(text_inputs, "distinct", False):
        raise ValueError(
            "`text_inputs` must give the words of each row: use "
            "`with_settings(distinct=False)`. Received: distinct=True"
        )
    number, width = len(columns[0]), len(columns)
    texts = tf.constant([list(column) for column in columns], tf.string)
    given = None
    if scores is not None:
        given = tf.constant(np.asarray(scores, "float32"))

    def examples(rows):
        found = tf.reshape(tf.gather(texts, rows, axis=1), [-1])
        features = text_inputs(found)
        if given is not None:
            targets = tf.gather(given, rows)
        else:
            targets = _by_row(equal_rows(features), width)
        features = {key: _by_row(x, width) for key, x in features.items()}
        return features, {"embeddings": targets}

    def lengths() -> list[int]:
        counts = [token_counts(text_inputs, column) for column in columns]
        return np.max(counts, axis=0).tolist()

    return batched_rows(
        examples,
        number,
        lengths,
        batch_size=batch_size,
        training=True,
        seed=seed,
        first_step=first_step,
        bucket_batches=bucket_batches,
    )


def check_columns(
    columns: Sequence[Sequence[str]], scores: Sequence[float] | None
) -> None:
    """Refuses columns of texts and scores that do not fit each other."""
    counts = [len(column) for column in columns]
    if len(counts) < 2 or len(set(counts)) > 1 or not counts[0]:
        raise ValueError(
            "`columns` must be two or more lists of texts, of equal length "
            f"and not empty. Received: lists of {counts} texts"
        )
    if scores is None:
        return
    if len(counts) != 2 or len(scores) != counts[0]:
        raise ValueError(
            "`scores` must hold a number for each pair of two texts. "
            f"Received: {len(scores)} scores, lists of {counts} texts"
        )
    if not np.isfinite(np.asarray(scores, "float64")).all():
        raise ValueError(
            "`scores` must be finite numbers. Remove the rows that hold NaN "
            "or infinities. Received: such numbers"
        )


def equal_rows(features: dict[str, Any]) -> tf.Tensor:
    """Numbers the rows of a batch, equal rows alike: int32 `(B,)`."""
    rows = tf.shape(next(iter(features.values())))[0]
    flat = [
        tf.reshape(tf.cast(x, tf.float64), [rows, -1])
        for x in features.values()
    ]
    raw: Any = tf.raw_ops
    return raw.UniqueV2(x=tf.concat(flat, axis=1), axis=[0]).idx


def _by_row(x: tf.Tensor, width: int) -> tf.Tensor:
    """Turns `(N * B, ...)`, all first texts first, to `(B, N, ...)`."""
    shape = tf.shape(x)
    static = x.shape[1:]
    x = tf.reshape(x, tf.concat([[width, -1], shape[1:]], axis=0))
    x = tf.transpose(x, [1, 0, *range(2, len(static) + 2)])
    return tf.ensure_shape(x, [None, width, *static])
