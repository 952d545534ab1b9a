"""BERT's pretraining batches from a corpus file."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_ctx.checks import check_at_least, check_choice
from keras_ctx.data.batching.schedule import epoch_batches
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.data.masked_lm.examples import (
    left_to_right_examples,
    masked_pairs,
)
from keras_ctx.data.masked_lm.objectives import OF_PAIRS, BertObjective
from keras_ctx.data.masked_lm.sentence_pairs import sentence_pairs
from keras_ctx.data.masked_lm.single_texts import single_texts
from keras_ctx.data.masked_lm.unit_draw import (
    MaskingRule,
    check_masking_rule,
)
from keras_ctx.data.masked_lm.units import (
    check_units,
    pair_unit_ids,
    text_units,
)
from keras_ctx.data.readers.lines import read_documents
from keras_ctx.data.text_inputs import TextInputs


def first_batches(dataset: tf.data.Dataset, steps: int) -> tf.data.Dataset:
    """Returns the first `steps` batches of a dataset, for evaluation.

    Example:
        >>> len(first_batches(tf.data.Dataset.range(2).repeat(), 3))
        3
    """
    # Keras counts the end of a dataset of unknown length as one more batch,
    # with loss 0.
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
    objective: BertObjective = "next_sentence",
    whole_word_masking: bool = False,
    segmented: bool = False,
    lexicon: Sequence[str] | None = None,
    masking_rule: MaskingRule = "token",
) -> tf.data.Dataset:
    r"""Returns endless batches of masked text pairs from a corpus file.

    Every epoch has `steps_per_epoch` full batches and is a pure function of
    the seed and its number: a run that starts with `first_step=n` sees
    exactly the batches that a run from 0 sees from step n on. B is the batch
    size, T tokens, M = `max_predictions`.

    Args:
        path: A file with one sentence per line, and blank lines between
            documents.
        text_inputs: A `BertInputs`. Text pairs are packed to its `max_length`.
        batch_size: Global batch size B, over all replicas.
        steps_per_epoch: Batches per epoch. Pass it to `model.fit`, too.
        seed: The seed of the order, the text pairs and the masks.
        first_step: Number of the first batch.
        max_predictions: Maximum number M of masked tokens per example.
        masking_rate: Share of the ordinary tokens to predict; where it is more
            than `max_predictions`, they are fewer.
        short_seq_prob: See `sentence_pairs`.
        length: A function that estimates the tokens of a sentence. The default
            counts characters, which is right for Chinese.
        separator: The separator between the sentences of a text.
        shuffle_buffer: Number of documents to hold in memory for shuffling.
        bucket_batches: Number of batches to sort by length together. 1 means
            no sorting. See `elmo_pretraining_dataset`.
        objective: The objective of text pairs, see `sentence_pairs`:
            "next_sentence", or ALBERT's "sentence_order". With "none" a row
            is one text, see `single_texts`, and only masked tokens are
            predicted; with "left_to_right" nothing is masked, and each token
            is predicted from those before it.
        whole_word_masking: Whether to mask whole words, see
            `masked_lm_examples`. `##` marks the pieces that continue a word.
        segmented: Whether white space in the file separates the units to mask
            whole, such as words or names. `separator` must then have a blank.
        lexicon: Units of several tokens to mask whole, such as phrases or
            names: "New York", "北京". In each text, the longest unit from left
            to right is taken; with text inputs that lower-case, its case does
            not matter. What is in none is a unit by itself: a word, or with
            `split="character"` a character.
        masking_rule: How `segmented` and `lexicon` are masked: each "token" of
            a unit has its own draw, or the whole "unit" one, see
            `masked_lm_examples`.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)`.
        Features: `token_ids`, `segment_ids`, `padding_mask` `(B, T)`,
        `masked_positions` `(B, M)`. Targets: `masked_lm` `(B, M)` ids and, for
        text pairs, `next_sentence` `(B,)`: 1 = the second text follows the
        first. For "left_to_right" there are no `masked_positions`, and the
        target is `next_token` `(B, T)`. Weights: float32 with the same keys,
        each summing to 1 over the batch.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: An argument is out of range; the file has no text, or
            fewer than two documents of two sentences (fewer than one for
            "sentence_order"); the vocabulary has no piece with `##` for
            `whole_word_masking`; two ways to find units are given, or any
            with "left_to_right"; or the file has no unit.

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
    check_choice((*OF_PAIRS, "none", "left_to_right"), objective=objective)
    units = text_units(text_inputs, segmented, lexicon)
    check_masking_rule(masking_rule, units is not None)
    if units is not None:
        _check_one_way(whole_word_masking, segmented, separator)
        check_units(path, text_inputs, units, segmented)

    of_pairs = objective in OF_PAIRS

    def pairs(pass_seed: int) -> Iterator[tuple[str, str, int]]:
        drawn: dict[str, Any] = {
            # [CLS] first [SEP] second [SEP]
            "target_length": text_inputs.max_length - (3 if of_pairs else 2),
            "seed": pass_seed,
            "length": length,
            "short_seq_prob": short_seq_prob,
            "shuffle_buffer": shuffle_buffer,
            "separator": separator,
        }
        documents = read_documents(path)
        if of_pairs:
            drawn["objective"] = objective
            return sentence_pairs(documents, **drawn)
        return ((text, "", 1) for text in single_texts(documents, **drawn))

    masked: Callable[..., Any] = left_to_right_examples
    if objective == "left_to_right":
        _check_unmasked(whole_word_masking, units is not None)
    else:
        masked = masked_pairs(
            text_inputs,
            max_predictions=max_predictions,
            masking_rate=masking_rate,
            whole_word_masking=whole_word_masking,
            masking_rule=masking_rule,
            next_sentence=of_pairs,
        )
    # Creates one pair, so that errors in the file or the arguments are raised
    # here and not in the first training step.
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
        features = text_inputs(first, *([second] if of_pairs else []))
        if units is None:
            return masked(step_seed, features, is_next)
        unit_ids = pair_unit_ids(text_inputs, units, (first, second), features)
        return masked(step_seed, features, is_next, unit_ids)

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


def _check_unmasked(whole_word_masking: bool, has_units: bool) -> None:
    if whole_word_masking or has_units:
        raise ValueError(
            '`objective="left_to_right"` masks nothing. Leave out '
            "`whole_word_masking`, `segmented` and `lexicon`."
        )


def _check_one_way(
    whole_word_masking: bool, segmented: bool, separator: str
) -> None:
    if whole_word_masking:
        name = "segmented" if segmented else "lexicon"
        raise ValueError(
            f"`whole_word_masking` and `{name}` must not be given together: "
            f"`{name}` also masks whole words. Leave out the first."
        )
    if segmented and not (separator and separator.isspace()):
        raise ValueError(
            "`separator` must be white space for a `segmented` text, so that "
            "a unit ends with its sentence. "
            f"Received: separator={separator!r}"
        )
