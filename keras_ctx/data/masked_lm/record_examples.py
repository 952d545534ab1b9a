"""Records of ids from the text pairs of documents."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from keras_ctx.data.masked_lm.sentence_pairs import sentence_pairs
from keras_ctx.data.records.settings import RecordSettings
from keras_ctx.data.text_inputs import TextInputs

_ROWS = 512


def pair_records(
    documents: list[list[str]],
    text_inputs: TextInputs,
    counts: Counter[str],
    settings: RecordSettings,
    seed: int,
) -> Iterator[bytes]:
    """Yields the text pairs of documents, each in a `tf.train.Example`.

    `token_ids` are the ids of `[CLS] first [SEP] second [SEP]`, cut to the
    `max_length` of `text_inputs`, without padding. `first_length` counts the
    positions up to the first `[SEP]`. `is_next` is 1 or 0. Documents of one
    sentence have no text pairs, nor does a single document for
    "next_sentence"; `counts` gets their number.
    """
    usable = [document for document in documents if len(document) > 1]
    if settings.objective == "next_sentence" and len(usable) < 2:
        usable = []
    counts["documents_without_pairs"] += len(documents) - len(usable)
    if not usable:
        return
    lengths = _lengths(usable, text_inputs)
    pairs = sentence_pairs(
        usable,
        target_length=text_inputs.max_length - 3,
        seed=seed,
        length=lengths.__getitem__,
        short_seq_prob=settings.short_seq_prob,
        # All documents: they are in memory anyway.
        shuffle_buffer=max(len(usable), 2),
        separator="" if settings.split == "character" else " ",
        objective=settings.objective,
    )
    while rows := list(itertools.islice(pairs, _ROWS)):
        first, second, is_next = map(list, zip(*rows, strict=True))
        features = text_inputs(tf.constant(first), tf.constant(second))
        token_ids, segment_ids, real = (
            features[key].numpy()
            for key in ("token_ids", "segment_ids", "padding_mask")
        )
        for ids, segments, mask, label in zip(
            token_ids, segment_ids, real, is_next, strict=True
        ):
            length = int(mask.sum())
            counts["tokens"] += length
            yield _example(
                token_ids=ids[:length],
                first_length=[length - int(segments.sum())],
                is_next=[label],
            )


def _lengths(
    documents: list[list[str]], text_inputs: TextInputs
) -> dict[str, int]:
    """Returns the tokens of every sentence, cut to the longest input."""
    lengths = {}
    sentences = dict.fromkeys(itertools.chain.from_iterable(documents))
    sentences = sorted(sentences, key=len)  # batches of similar length
    for start in range(0, len(sentences), _ROWS):
        rows = sentences[start : start + _ROWS]
        real = text_inputs(tf.constant(rows))["padding_mask"].numpy()
        lengths |= zip(rows, (real.sum(1) - 2).tolist(), strict=True)
    return lengths


def _example(**numbers: Sequence[int] | np.ndarray) -> bytes:
    features = {
        key: tf.train.Feature(int64_list=tf.train.Int64List(value=value))
        for key, value in numbers.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # Otherwise the order of a map's keys is undefined.
    return example.SerializeToString(deterministic=True)
