"""Batches of sentences with one predicate each, for semantic roles."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_choice
from keras_ctx.data.batching.loss_weights import normalize_weights
from keras_ctx.data.batching.ragged_rows import ragged_rows
from keras_ctx.data.batching.row_dataset import batched_rows
from keras_ctx.data.batching.token_counts import word_token_counts
from keras_ctx.data.text_inputs import TextInputs
from keras_ctx.evaluation.roles.proposition import Proposition

PredicatePlace = Literal["flag", "second_segment"]
PLACES = ("flag", "second_segment")
_ROWS = 512


def roles_dataset(
    propositions: Sequence[Proposition],
    tags: Sequence[Sequence[int]],
    text_inputs: TextInputs,
    *,
    predicate: PredicatePlace = "flag",
    batch_size: int,
    training: bool,
    seed: int = 0,
    first_step: int = 0,
    bucket_batches: int = 16,
) -> tf.data.Dataset:
    """Returns batches of propositions with a tag id for every word.

    Epochs, order, steps and weights are as in `tagging_dataset`. A row whose
    predicate is cut off has weights of 0: without it the tags say nothing.

    Args:
        propositions: The words of each row, and the position of its predicate.
        tags: One tag id per word; a negative id has weight 0.
        text_inputs: A `keras_ctx.text.TextInputs`.
        predicate: "flag": only the input `predicate` marks it.
            "second_segment": its word is also the second text of a pair, for
            text inputs with segments.
        batch_size: Global batch size B, over all replicas.
        training: Whether the dataset is for training (endless and shuffled).
        seed: The seed of the order in training.
        first_step: Number of the first batch in training.
        bucket_batches: Number of training batches to sort by length together.

    Returns:
        A `tf.data.Dataset` of `(features, {"logits": tags},
        {"logits": weights})`, as `tagging_dataset`. Features are those of
        `text_inputs` and `predicate`, int32 `(B, T)`: 1 at the tokens of the
        predicate's word.

    Raises:
        ValueError: A sentence and its tags, or the two lists, differ in
            length, or are empty; `predicate` is unknown, or needs text inputs
            with segments.

    Example:
        >>> from keras_ctx.text import WordVectorInputs
        >>> fell = Proposition(["It", "fell"], 1, [(0, 1, "ARG1")])
        >>> dataset = roles_dataset(
        ...     [fell], [[1, 0]], WordVectorInputs(["It", "fell"]),
        ...     batch_size=1, training=False)
        >>> features, targets, weights = next(iter(dataset))
        >>> features["predicate"].numpy(), targets["logits"].numpy()
        (array([[0, 1]], dtype=int32), array([[1, 0]], dtype=int32))

    Source:
        He et al. 2017, section 2.1, https://aclanthology.org/P17-1044; Shi and
        Lin 2019, section 3, https://arxiv.org/abs/1904.05255.
    """
    check_choice(PLACES, predicate=predicate)
    lengths = [len(one.words) for one in propositions]
    if not lengths or lengths != [len(row) for row in tags]:
        raise ValueError(
            "`tags` must hold a tag for each word of each proposition, and "
            f"there must be one or more. Received: {len(lengths)} propositions "
            f"and {len(tags)} rows of tags"
        )
    words, places = _tensors(propositions)
    tag_ids = ragged_rows(tags, tf.int32)

    def examples(rows):
        features, index = role_features(
            *(tf.gather(words, rows), tf.gather(places, rows)),
            *(text_inputs, predicate),
        )
        labelled = begins_word(index) & has_predicate(features)
        found = tf.gather(
            tf.gather(tag_ids, rows).to_tensor(-1),
            tf.maximum(index, 0),
            batch_dims=1,
        )
        return (
            features,
            {"logits": tf.where(labelled, tf.maximum(found, 0), 0)},
            {"logits": normalize_weights(labelled & (found >= 0))},
        )

    sentences = [one.words for one in propositions]
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


def role_features(
    words: Any, places: tf.Tensor, text_inputs: TextInputs, predicate: str
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Returns the features of rows, and the index of each position's word.

    Args:
        words: Ragged words `(B, None)`.
        places: The position of each row's predicate among the words, `(B,)`.
        text_inputs: The text inputs of the encoder.
        predicate: As for `roles_dataset`.

    Returns:
        Features with `predicate`; and int32 `(B, T)`: the index of the word at
        each position of the sentence, -1 elsewhere.
    """
    index = text_inputs.word_index(words)
    if predicate == "flag":
        features = text_inputs(words)
    else:
        features = text_inputs(words, predicate_words(words, places))
        if "segment_ids" not in features:
            raise ValueError(
                '`predicate="second_segment"` needs text inputs with segments, '
                'such as `BertInputs`. Use "flag". Received: '
                f"{type(text_inputs).__name__}"
            )
        of_first = (features["segment_ids"] == 0) & features["padding_mask"]
        # Without the last one, [SEP].
        of_first &= tf.pad(of_first[:, 1:], [[0, 0], [0, 1]])
        width = tf.shape(of_first)[1]
        more: Any = tf.maximum(width - tf.shape(index)[1], 0)
        index = tf.pad(index, [[0, 0], [0, more]], constant_values=-1)
        index = tf.where(of_first, index[:, :width], -1)
    # `==` of two tensors would have an unknown shape.
    is_predicate = tf.equal(index, tf.cast(places, index.dtype)[:, None])
    return {**features, "predicate": tf.cast(is_predicate, tf.int32)}, index


def predicate_words(words: Any, places: tf.Tensor) -> Any:
    """Returns the predicate of each row as a text of one word, `(B, 1)`."""
    there = tf.gather(words, places, batch_dims=1)
    ragged: Any = tf.RaggedTensor
    return ragged.from_tensor(there[:, None])


def has_predicate(features: dict[str, tf.Tensor]) -> tf.Tensor:
    """Tells which rows have room for their predicate, bool `(B, 1)`."""
    return tf.reduce_any(features["predicate"] > 0, axis=1, keepdims=True)


def cut_roles_notes(
    files: Mapping[str, Sequence[tuple[Any, Sequence[Proposition]]]],
    text_inputs: TextInputs,
    predicate: PredicatePlace = "flag",
) -> list[str]:
    """Returns sentences for the user about what does not fit into a row.

    Args:
        files: The words and propositions of each sentence, by name of the
            file.
        text_inputs: A `keras_ctx.text.TextInputs`.
        predicate: As for `roles_dataset`.

    Example:
        >>> from keras_ctx.text import WordVectorInputs
        >>> rows = [(["It", "fell"], [Proposition(["It", "fell"], 1)])]
        >>> inputs = WordVectorInputs(["It"], max_length=1)
        >>> print(*cut_roles_notes({"dev": rows}, inputs))
        dev: 1 of 1 predicates are cut off, behind `max_length` tokens ...
    """
    notes = []
    for name, rows in files.items():
        propositions = [one for _, found in rows for one in found]
        there, missing = fitting_words(propositions, text_inputs, predicate)
        if not there.all():
            notes.append(
                f"{name}: {(~there).sum()} of {len(there)} predicates are cut "
                "off, behind `max_length` tokens of an input: they are not "
                "used for training, and their arguments count as missed."
            )
        missing = missing[there]
        if missing.any():
            notes.append(
                f"{name}: {missing.sum()} words of the sentences of "
                f"{(missing > 0).sum()} other predicates are cut off: they are "
                'not used for training, and are predicted as "O".'
            )
    return notes


def fitting_words(
    propositions: Sequence[Proposition], text_inputs: TextInputs, predicate: str
) -> tuple[np.ndarray, np.ndarray]:
    """Returns whether rows have their predicate, and how many words not."""
    there, missing = [np.zeros(0, bool)], [np.zeros(0, int)]
    for start in range(0, len(propositions), _ROWS):
        rows = propositions[start : start + _ROWS]
        features, index = role_features(*_tensors(rows), text_inputs, predicate)
        there.append(has_predicate(features).numpy()[:, 0])
        lengths = [len(one.words) for one in rows]
        found = tf.reduce_sum(tf.cast(begins_word(index), tf.int32), axis=1)
        missing.append(np.array(lengths) - found.numpy())
    return np.concatenate(there), np.concatenate(missing)


def begins_word(index: tf.Tensor) -> tf.Tensor:
    """Tells which positions are the first of a word, bool `(B, T)`."""
    before = tf.pad(index[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    return (index >= 0) & tf.not_equal(index, before)


def _tensors(propositions: Sequence[Proposition]) -> tuple[Any, tf.Tensor]:
    """Returns ragged words, and the positions of the predicates."""
    words = ragged_rows([one.words for one in propositions])
    return words, tf.constant([one.predicate for one in propositions], tf.int32)
