"""Rows of several texts, from batches of rows of one text."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.first_fit import WINDOW, check_fits, first_fit
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.data.batching.unbatched import Layout, Text, layout_of, texts


def packed_dataset(
    dataset: tf.data.Dataset,
    *,
    length: int,
    batch_size: int,
    max_texts: int,
    per_token: Sequence[str] = (),
    max_predictions: int | None = None,
    window: int = WINDOW,
    numbered: bool = False,
) -> tf.data.Dataset:
    """Packs the texts of a dataset into rows of equal length.

    For `keras_ctx.models.packed`: all batches have the same shapes, and few
    positions are padding. `packed_rows` says which texts share a row, and so
    the number of rows; of 5,000 sentences of SST-2 with 15 tokens on average,
    0.9 % of rows of 128 are padding. The last batch is filled up with rows of
    padding. B is the batch size, T = `length`, N = `max_texts`, M =
    `max_predictions`.

    A dataset of known length is read once before, which counts its rows; it
    must be the same each time. One of unknown length must not end: if it does,
    give it its number of batches by `tf.data.experimental.assert_cardinality`.

    Packed rows are for training and for vectors: weights sum to 1 in each
    batch, so a last batch with few texts counts as much as a full one in the
    losses and metrics of `evaluate`. For scores, give `get_weights` to the
    same head on the encoder for rows of one text, or assign predictions to
    texts with `numbered`.

    Args:
        dataset: Batches of a BERT: features, or pairs or triples of features,
            targets and weights, as of `classification_dataset`,
            `tagging_dataset` and `bert_pretraining_dataset`; each a dict.
            Batches may have any size.
        length: Number of tokens T of a row. A text must fit in.
        batch_size: Global batch size B in rows, over all replicas.
        max_texts: Maximum number of texts N in a row, that of the model.
        per_token: Names of the targets with an entry for each token, such as
            `["logits"]` of a tagger. `masked_lm` has one for each of the
            `masked_positions`, all others one for each text.
        max_predictions: Maximum number M of masked positions of a row, if
            there are any.
        window: Number of texts that wait for a row at a time.
        numbered: Whether to yield pairs of the texts' numbers and the batch.

    Returns:
        A `tf.data.Dataset` of the same parts. Features, integers `(B, T)`:
        `token_ids`, `segment_ids`, and `text_ids`, the number of the text in
        its row, from 1, or 0 at padding; `masked_positions` `(B, M)`, counted
        from the start of the row. Targets and weights of a token are `(B, T)`,
        of a masked position `(B, M)`, of a text `(B, N)`, where text n of the
        row is at index n - 1; several labels `(B, N, K)`, and numbers of
        regression `(B, N, 1)`, as the logits. Where targets are given there
        are weights: 0 where there is no target, and summing to 1 over the
        batch, for losses with `reduction="sum"`; those of one batch of
        `dataset` keep their ratios, so give large batches if there are class
        weights. With `numbered`, int32 `(B, N)`: the
        number of the text in `dataset`, counted from 0; -1 for no text.

    Raises:
        ValueError: The dataset has other parts or shapes, as that of an ELMo;
            an argument is below 1 or missing; a text has no token, or it or
            its masked positions do not fit into a row. Without a known length
            the latter come while it is read, as TensorFlow's
            `InvalidArgumentError`, and so does the end of the dataset.

    Example:
        >>> from keras_ctx.text import BertInputs, character_vocabulary
        >>> from keras_ctx.data import classification_dataset
        >>> inputs = BertInputs(
        ...     character_vocabulary(["ab"]), 8, split="character")
        >>> batches = classification_dataset(
        ...     ["a", "bab", "b"], [1, 0, 1], inputs, batch_size=3,
        ...     training=False)
        >>> rows = packed_dataset(batches, length=8, batch_size=2, max_texts=2)
        >>> features, targets, weights = next(iter(rows))
        >>> features["text_ids"].numpy()
        array([[1, 1, 1, 2, 2, 2, 2, 2],
               [1, 1, 1, 0, 0, 0, 0, 0]], dtype=int32)
        >>> targets["logits"].numpy()
        array([[1, 0],
               [1, 0]], dtype=int32)

    Source:
        Krell et al. 2021, https://arxiv.org/abs/2107.02027; Raffel et al.
        2020, section 3.1.1, https://arxiv.org/abs/1910.10683.
    """
    check_at_least(
        1,
        length=length,
        batch_size=batch_size,
        max_texts=max_texts,
        window=window,
    )
    layout = layout_of(dataset, per_token)
    if layout.has_predictions and max_predictions is None:
        raise ValueError(
            "`max_predictions` is required, the most masked positions of a "
            "row, because `dataset` has `masked_positions`: about a sixth of "
            f"`length={length}`. Received: max_predictions=None"
        )
    most = max_predictions if layout.has_predictions else 0
    if most:
        check_at_least(1, max_predictions=most)
    shape = (batch_size, length, max_texts, most or 0)

    def sizes(text: Text) -> tuple[int, int, int]:
        check_fits(text.number, text.length, length)
        if len(text.positions) > shape[3]:
            raise ValueError(
                "`max_predictions` must be at least the masked positions of "
                f"a text. Received: max_predictions={max_predictions}, text "
                f"{text.number} with {len(text.positions)}"
            )
        return text.length, 1, len(text.positions)

    def rows() -> Iterator[list[Text]]:
        return first_fit(texts(dataset, layout), shape[1:], sizes, window)

    def batches() -> Iterator[Any]:
        left = rows()
        while batch := list(itertools.islice(left, batch_size)):
            yield _filled(batch, layout, shape, numbered)

    # Keras counts the end of a dataset of unknown length as one more batch.
    number = tf.data.INFINITE_CARDINALITY
    if int(dataset.cardinality()) >= 0:
        number = math.ceil(sum(1 for _ in rows()) / batch_size)
    empty = _filled([], layout, shape, numbered)
    signature = tf.nest.map_structure(
        lambda x: tf.TensorSpec(x.shape, x.dtype), empty
    )
    made = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return global_batches(
        made.apply(tf.data.experimental.assert_cardinality(number))
    )


def _filled(
    rows: list[list[Text]],
    layout: Layout,
    shape: tuple[int, int, int, int],
    numbered: bool,
) -> Any:
    """Returns the arrays of a batch with these rows."""
    batch_size, length, max_texts, most = shape
    sizes = {"token": length, "text": max_texts, "prediction": most}
    features = {
        key: np.zeros((batch_size, length), dtype)
        for key, dtype in layout.features.items()
    }
    features["text_ids"] = np.zeros((batch_size, length), "int32")
    if layout.has_predictions:
        features["masked_positions"] = np.zeros((batch_size, most), "int32")
    targets, weights = {}, {}
    for key, target in layout.targets.items():
        first_axes = (batch_size, sizes[target.kind])
        targets[key] = np.zeros((*first_axes, *target.shape), target.dtype)
        weights[key] = np.zeros(first_axes, "float32")
    numbers = np.full((batch_size, max_texts), -1, "int32")
    for k, row in enumerate(rows):
        start = {"token": 0, "prediction": 0}
        for n, text in enumerate(row):
            at = {
                "token": slice(start["token"], start["token"] + text.length),
                "text": n,
                "prediction": slice(
                    start["prediction"],
                    start["prediction"] + len(text.positions),
                ),
            }
            numbers[k, n] = text.number
            for key, value in text.features.items():
                features[key][k, at["token"]] = value
            features["text_ids"][k, at["token"]] = n + 1
            if layout.has_predictions:
                features["masked_positions"][k, at["prediction"]] = (
                    text.positions + start["token"]
                )
            for key, target in layout.targets.items():
                targets[key][k, at[target.kind]] = text.targets[key]
                weights[key][k, at[target.kind]] = text.weights[key]
            start["token"] += text.length
            start["prediction"] += len(text.positions)
    parts: Any = features
    if layout.targets:
        for each in weights.values():
            each /= max(each.sum(dtype="float64"), 1e-12)
        parts = features, targets, weights
    return (numbers, parts) if numbered else parts
