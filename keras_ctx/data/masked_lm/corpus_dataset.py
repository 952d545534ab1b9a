"""A corpus file to BERT's pretraining batches."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.schedule import epoch_batches
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.data.masked_lm.examples import masked_pairs
from keras_ctx.data.masked_lm.sentence_pairs import sentence_pairs
from keras_ctx.data.readers.lines import read_documents
from keras_ctx.data.text_inputs import TextInputs

# About a token each in WordPiece: an ideograph, a run of other letters, a sign.
_PIECE = re.compile(r"[\u2e80-\u9fff]|[^\W\u2e80-\u9fff]+|[^\w\s]")


def rough_length(
    split: Literal["character", "wordpiece"],
) -> Callable[[str], int]:
    """A function that counts the tokens of a sentence, roughly.

    Args:
        split: As of `BertInputs`.

    Example:
        >>> rough_length("wordpiece")("Two words, 一二.")
        6
    """
    if split == "character":
        return len
    return lambda line: len(_PIECE.findall(line))


def first_batches(dataset: tf.data.Dataset, steps: int) -> tf.data.Dataset:
    """The first `steps` batches of an endless dataset, to be measured on.

    Example:
        >>> len(first_batches(tf.data.Dataset.range(2).repeat(), 3))
        3
    """
    # Keras takes the end of a dataset of unknown length for one more batch,
    # of loss 0.
    return dataset.take(steps).apply(
        tf.data.experimental.assert_cardinality(steps)
    )


def bert_pretraining_dataset(
    path: str | Path,
    text_inputs: TextInputs,
    *,
    batch_size: int,
    steps_per_epoch: int,
    seed: int,
    first_step: int = 0,
    max_predictions: int = 20,
    masking_rate: float = 0.15,
    short_seq_prob: float = 0.1,
    length: Callable[[str], int] = len,
    separator: str = " ",
    shuffle_buffer: int = 1000,
    bucket_batches: int = 1,
    objective: Literal["next_sentence", "sentence_order"] = "next_sentence",
    whole_word_masking: bool = False,
) -> tf.data.Dataset:
    r"""Masked words and sentence pairs from a corpus file, without end.

    Every epoch is `steps_per_epoch` full batches and a pure function of
    the seed and its number: a run that starts with `first_step=n` sees
    bit for bit what a run from 0 sees from its step n on. B is the batch, T
    tokens, M = `max_predictions`.

    Args:
        path: One sentence a line, a blank line between documents.
        text_inputs: A `BertInputs`. Pairs are packed to its `max_length`.
        batch_size: B, over all replicas together.
        steps_per_epoch: Batches an epoch; for `model.fit` too.
        seed: Of the order, the pairs and the masks.
        first_step: Number of the first batch.
        max_predictions: M, slots for masked words a row.
        masking_rate: Share of the ordinary tokens that is predicted.
        short_seq_prob: See `sentence_pairs`.
        length: Length of a sentence in tokens, roughly; the default counts
            characters, which is right for Chinese.
        separator: Between the sentences of a part.
        shuffle_buffer: Documents held in memory, the width of the shuffle.
        bucket_batches: How many batches are sorted by length together; 1 is
            no sorting. See `elmo_pretraining_dataset`.
        objective: Of the pairs, see `sentence_pairs`: "next_sentence", or
            ALBERT's "sentence_order".
        whole_word_masking: Whether a word is masked whole, see
            `masked_lm_examples`; its pieces are known by their `##`.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)`.
        Features: `token_ids`, `segment_ids`, `padding_mask` `(B, T)`,
        `masked_positions` `(B, M)`. Targets: `masked_lm` `(B, M)` ids and
        `next_sentence` `(B,)`, of either objective: 1 = the second part
        follows the first. Weights: float32 under the
        same keys, each summing to 1 over the batch.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: An argument is out of range, the file has no text or
            less than two documents of two sentences (one, for the order), or
            `whole_word_masking` without a piece with `##` in the vocabulary.

    Example:
        >>> from keras_ctx.text import BertInputs, character_vocabulary
        >>> corpus = "春天来了。\n花开了。\n\n他在读书。\n书很好。\n"
        >>> with open("corpus.txt", "w", encoding="utf-8") as file:
        ...     _ = file.write(corpus)
        >>> inputs = BertInputs(
        ...     character_vocabulary([corpus]), 16, split="character"
        ... )
        >>> dataset = bert_pretraining_dataset(
        ...     "corpus.txt", inputs, batch_size=2, steps_per_epoch=1,
        ...     seed=0, max_predictions=3,
        ... )
        >>> features, targets, weights = next(iter(dataset))
        >>> features["masked_positions"].shape, targets["masked_lm"].shape
        (TensorShape([2, 3]), TensorShape([2, 3]))
        >>> weights["next_sentence"].numpy()
        array([0.5, 0.5], dtype=float32)
    """
    check_at_least(
        1,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        max_predictions=max_predictions,
        bucket_batches=bucket_batches,
    )
    check_at_least(0, seed=seed, first_step=first_step)

    def pairs(pass_seed: int) -> Iterator[tuple[str, str, int]]:
        return sentence_pairs(
            read_documents(path),
            # [CLS] first [SEP] second [SEP]
            target_length=text_inputs.max_length - 3,
            seed=pass_seed,
            length=length,
            short_seq_prob=short_seq_prob,
            shuffle_buffer=shuffle_buffer,
            separator=separator,
            objective=objective,
        )

    masked = masked_pairs(
        text_inputs,
        max_predictions=max_predictions,
        masking_rate=masking_rate,
        whole_word_masking=whole_word_masking,
    )
    # One pair now, so that a bad file or argument is an error here and not
    # inside the first training step.
    next(pairs(0))

    def batches():
        for step_seed, rows in epoch_batches(
            pairs,
            batch_size=batch_size,
            seed=seed,
            steps_per_epoch=steps_per_epoch,
            first_step=first_step,
            num_batches=bucket_batches,
            length=lambda pair: length(pair[0]) + length(pair[1]),
        ):
            yield (step_seed, 0), *zip(*rows, strict=True)

    def examples(step_seed, first, second, is_next):
        return masked(step_seed, text_inputs(first, second), is_next)

    dataset = tf.data.Dataset.from_generator(
        batches,
        output_signature=(
            tf.TensorSpec((2,), tf.int64),
            tf.TensorSpec((batch_size,), tf.string),
            tf.TensorSpec((batch_size,), tf.string),
            tf.TensorSpec((batch_size,), tf.int32),
        ),
    )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return global_batches(dataset)
