"""Finds the arguments of a predicate, and their roles."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_ctx.data.roles.dataset import (
    PredicatePlace,
    begins_word,
    has_predicate,
    predicate_words,
    role_features,
)
from keras_ctx.evaluation import allowed_transitions
from keras_ctx.layers.outputs.tag_paths import best_allowed_tags, penalties
from keras_ctx.models.heads.semantic_roles import PREDICATE
from keras_ctx.serving.output_kinds.kind import Exact, OutputKind
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.signatures.model_outputs import (
    COUNT_KINDS,
    ModelOutputs,
    Tensors,
    counts,
    dense,
)
from keras_ctx.serving.signatures.refusals import refuse, refuse_other_rows
from keras_ctx.text import TextInputs


class Roles:
    """Signature for the arguments of a predicate, a row for each predicate.

    Inputs: `text`, strings `(B,)`, or words; and `predicate`, int32 `(B,)`, the
    position of the predicate among the words, counted from 0. A sentence with
    three predicates is three rows.

    Returns `words`, `tags` and `scores` as `Tag`: the most probable path of
    tags that IOB2 allows, and the probability of each tag alone. Their spans
    are `roles`, strings, `role_starts` and `role_ends`, the first word and the
    word after the last one, each `(B, W)`; behind the last span of a row they
    are "", -1 and -1. `predicate_cut` `(B,)` tells whether the predicate itself
    was cut off: then no word of the row has a tag.

    A predicate that is no word of its sentence is refused.

    Source: same as `keras_ctx.fine_tuning.predict_roles`, with the same
    answers.
    """

    kinds: Mapping[str, OutputKind] = {
        "words": Exact(),
        "tags": Exact(),
        "scores": Numbers(),
        "starts": Exact(),
        "ends": Exact(),
        "roles": Exact(),
        "role_starts": Exact(),
        "role_ends": Exact(),
        "predicate_cut": Exact(),
        **COUNT_KINDS,
    }

    def __init__(
        self,
        model: ModelOutputs,
        text_inputs: TextInputs,
        tags: Sequence[str],
        place: PredicatePlace,
    ) -> None:
        self._model = model
        self._text_inputs = text_inputs
        self._tags = tuple(tags)
        self._place = place
        costs = penalties(allowed_transitions(tags), len(tags))
        # Op by op, its loops take seconds.
        self._best_tags = tf.function(
            lambda logits, words: best_allowed_tags(logits, words, costs),
            input_signature=[
                tf.TensorSpec([None, None, len(tags)]),
                tf.TensorSpec([None, None], tf.bool),
            ],
        )

    def __call__(self, text, predicate) -> Tensors:
        if isinstance(text, tf.RaggedTensor):
            rows = text.nrows()
            predicate = refuse_other_rows(PREDICATE, predicate, "tokens", rows)
            return self._of_words(text, predicate)
        rows = tf.size(text)
        predicate = refuse_other_rows(PREDICATE, predicate, "text", rows)
        found = self._text_inputs.words(text)
        return self._of_words(found.words, predicate) | {
            "starts": dense(found.starts, -1),
            "ends": dense(found.ends, -1),
        }

    def _of_words(self, words: Any, predicate: tf.Tensor) -> Tensors:
        inputs = self._text_inputs
        sizes = tf.cast(words.row_lengths(), tf.int32)
        there = refuse(
            (predicate < 0) | (predicate >= sizes),
            "`predicate` must be the position of a word of its row, counted "
            "from 0. The second list has the numbers of words.",
            *(predicate, sizes),
        )
        with tf.control_dependencies([there]):
            predicate = tf.identity(predicate)
        second = None
        if self._place == "second_segment":
            second = predicate_words(words, predicate)
        features, index = role_features(words, predicate, inputs, self._place)
        logits = self._model(features)["logits"]
        found = has_predicate(features)
        first = begins_word(index) & found
        best = self._best_tags(logits, first)
        scores = tf.gather(
            tf.nn.softmax(logits), tf.maximum(best, 0), batch_dims=2
        )
        width = tf.maximum(tf.reduce_max(words.row_lengths()), 1)

        def of_words(values, fill):
            return dense(tf.ragged.boolean_mask(values, first), fill, width)

        ids = of_words(best, -1)
        return {
            "words": dense(words, ""),
            "tags": _named(self._tags, ids),
            "scores": of_words(scores, 0.0),
            **self._spans(ids),
            f"{PREDICATE}_cut": tf.logical_not(found[:, 0]),
            **counts(inputs, words, second),
        }

    def _spans(self, ids: tf.Tensor) -> Tensors:
        """Returns the spans of ids of tags `(B, W)`, which IOB2 allows."""
        begins, inside = (
            tf.gather([False, *(x[0] == letter for x in self._tags)], ids + 1)
            for letter in "BI"
        )
        rows, width = tf.unstack(tf.shape(ids))
        # An "I" continues the span of the last "B" before it.
        number = tf.cumsum(tf.cast(begins, tf.int32), axis=1) - 1
        span = tf.range(rows)[:, None] * width + number
        in_span = begins | inside
        sizes = tf.math.unsorted_segment_sum(
            tf.cast(in_span, tf.int32),
            tf.where(in_span, span, -1),  # -1 is left out
            rows * width,
        )

        def of_spans(values, fill):
            return dense(tf.ragged.boolean_mask(values, begins), fill, width)

        starts = of_spans(tf.range(width) + tf.zeros_like(ids), -1)
        ends = starts + tf.reshape(sizes, [rows, width])
        return {
            "roles": of_spans(_named([x[2:] for x in self._tags], ids), ""),
            "role_starts": starts,
            "role_ends": tf.where(starts < 0, -1, ends),
        }


def _named(names: Sequence[str], ids: tf.Tensor) -> tf.Tensor:
    """Returns the name of each id, "" of -1."""
    return tf.gather(tf.constant(["", *names]), ids + 1)
