"""Pretraining batches from records of text pairs, with dynamic masking."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.data.masked_lm.examples import masked_pairs
from keras_ctx.data.records.folder import open_records
from keras_ctx.data.records.stream import endless_records
from keras_ctx.data.text_inputs import TextInputs


def pair_records_dataset(
    folder: str | Path,
    text_inputs: TextInputs,
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    max_predictions: int = 20,
    masking_rate: float = 0.15,
    whole_word_masking: bool = False,
    shuffle_buffer: int = 10_000,
) -> tf.data.Dataset:
    """Returns endless batches of masked text pairs from records.

    Batch k is a function of the records, the seed and k: a run that starts
    with `first_step=k` sees exactly the batches that a run from 0 sees from
    there. Each pass over the files has another order, and each batch gets new
    masks. B is the batch size, T the `max_length` of `text_inputs`, M =
    `max_predictions`.

    Args:
        folder: A folder that `recipes/prepare_corpus.py` has written.
        text_inputs: The model's `BertInputs`. Its `max_length` must be at
            least that of the records.
        batch_size: Global batch size B, over all replicas.
        seed: The seed of the order and the masks.
        first_step: Number of the first batch.
        max_predictions: Maximum number M of masked tokens per example.
        masking_rate: Share of the ordinary tokens to predict.
        whole_word_masking: Whether to mask whole words, see
            `masked_lm_examples`.
        shuffle_buffer: Number of records to hold in memory.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)`, as from
        `bert_pretraining_dataset`, with examples of length T.

    Raises:
        FileNotFoundError: The folder or one of its files does not exist.
        ValueError: An argument is out of range, the records are of other
            text inputs or longer than T, or files are incomplete.

    Example:
        >>> from keras_ctx import data, text
        >>> inputs = text.BertInputs(
        ...     text.character_vocabulary(["abc"]), 8, split="character",
        ...     padding="max_length")
        >>> settings = data.RecordSettings("bert", "character", max_length=8)
        >>> shard = data.write_shard(
        ...     "", 0, [["ab", "b"], ["ca", "c"]], settings, inputs)
        >>> _ = data.write_manifest("", settings, {}, inputs, {}, [shard])
        >>> dataset = pair_records_dataset(
        ...     "", inputs, batch_size=2, seed=0, max_predictions=1)
        >>> features, targets, weights = next(iter(dataset))
        >>> features["token_ids"].shape, targets["masked_lm"].shape
        (TensorShape([2, 8]), TensorShape([2, 1]))
    """
    check_at_least(
        1,
        batch_size=batch_size,
        max_predictions=max_predictions,
        shuffle_buffer=shuffle_buffer,
    )
    check_at_least(0, seed=seed, first_step=first_step)
    records = open_records(folder, "bert", text_inputs, whole=True)
    length = text_inputs.max_length
    if records.settings.max_length > length:
        raise ValueError(
            "`text_inputs` must have a `max_length` of at least that of the "
            f"records, {records.settings.max_length}. "
            f"Received: max_length={length}"
        )
    masked = masked_pairs(
        text_inputs,
        max_predictions=max_predictions,
        masking_rate=masking_rate,
        whole_word_masking=whole_word_masking,
    )

    def examples(step_seed, serialized):
        features, is_next = _features(serialized, length, text_inputs.pad_id)
        return masked(step_seed, features, is_next)

    dataset = endless_records(
        records,
        batch_size=batch_size,
        seed=seed,
        first_step=first_step,
        shuffle_buffer=shuffle_buffer,
    )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return global_batches(dataset)


def _features(
    serialized: tf.Tensor, length: int, pad_id: int
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Returns the ids of a batch of records, padded to `length`."""
    found: dict[str, Any] = tf.io.parse_example(
        serialized,
        {
            "token_ids": tf.io.RaggedFeature(tf.int64),
            "first_length": tf.io.FixedLenFeature((), tf.int64),
            "is_next": tf.io.FixedLenFeature((), tf.int64),
        },
    )
    token_ids, first_length, is_next = (
        tf.cast(found[key], tf.int32)
        for key in ("token_ids", "first_length", "is_next")
    )
    place = tf.range(length)
    real = place < token_ids.row_lengths()[:, None]
    features = {
        "token_ids": token_ids.to_tensor(pad_id, shape=(None, length)),
        "segment_ids": tf.cast(
            real & (place >= first_length[:, None]), tf.int32
        ),
        "padding_mask": real,
    }
    return features, is_next
