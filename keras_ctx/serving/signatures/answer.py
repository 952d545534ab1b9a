"""Answers questions with spans of their contexts, best first."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ctx.evaluation.best_spans import NOTHING, best_spans
from keras_ctx.serving.output_kinds.kind import OutputKind
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.output_kinds.places import Places
from keras_ctx.serving.output_kinds.ranked import Ranked
from keras_ctx.serving.signatures.answer_windows import (
    AnswerWindows,
    Windows,
    first_positions,
    windows,
)
from keras_ctx.serving.signatures.model_outputs import (
    COUNT_KINDS,
    ModelOutputs,
    Tensors,
)
from keras_ctx.text import TextInputs, WordPlaces
from keras_ctx.text.ragged.operations import numbered
from keras_ctx.text.tokenize.normalization import valid
from keras_ctx.text.tokenize.word_places import answer_words

_PLACES = Places(spans="answers", found_in=("context", "context_tokens"))


class Answer:
    """Signature for the best answers to a question, over all windows.

    An answer is a sequence of whole words; its score is the sum of the start
    logit at its first position and the end logit at its last. Returns
    `answers`, strings, `scores`, a softmax over the k answers, and `starts` and
    `ends`, character offsets (code points) in the context, all `(B, k)`, best
    first; "", 0, -1 and -1 fill up fewer than k. A text that occurs several
    times is reported at its best position. `null_odds` `(B,)` is the lead of
    "no answer" over the best one, in logits: compare it with the `threshold` of
    `finetune_squad.py`. For contexts given as words, answers are joined by
    spaces and offsets count words.

    Source: same as `keras_ctx.data.decode_answers`, with the same answers.
    """

    kinds: Mapping[str, OutputKind] = {
        "answers": Ranked(scores="scores"),
        "scores": Numbers(),
        "starts": _PLACES,
        "ends": _PLACES,
        "null_odds": Numbers(),
        **COUNT_KINDS,
    }

    def __init__(
        self,
        model: ModelOutputs,
        text_inputs: TextInputs,
        top_k: int,
        settings: AnswerWindows,
    ) -> None:
        self._model = model
        self._text_inputs = text_inputs
        self._top_k = top_k
        self._settings = settings
        self._num_specials = text_inputs.special_positions(2)
        if text_inputs.max_length is not None and (
            text_inputs.max_length - self._num_specials <= settings.max_question
        ):
            raise ValueError(
                "`windows.max_question` must leave room for a context beside "
                f"it and the {self._num_specials} special tokens. Received: "
                f"max_question={settings.max_question}, "
                f"text_inputs.max_length={text_inputs.max_length}"
            )

    def __call__(self, question, context) -> Tensors:
        inputs, settings = self._text_inputs, self._settings
        of_words = isinstance(context, tf.RaggedTensor)
        if of_words:
            asked, found = question, _numbered(context)
        else:
            context = valid(context)
            asked, found = answer_words(question).words, answer_words(context)
        lengths = inputs.word_lengths(asked)
        kept = first_positions(asked, lengths, settings.max_question)
        asked_positions = tf.reduce_sum(inputs.word_lengths(kept), axis=1)
        lengths = inputs.word_lengths(found.words)
        # Without a length limit, a context is one window.
        room = inputs.max_length or tf.int32.max // 4
        budget = room - self._num_specials - asked_positions
        step, most = settings.step(budget), settings.max_windows
        laid = windows(found.words, lengths, budget, step, most)
        spans = self._best_spans(kept, laid)

        starts = _of_rows(found.starts, laid.row, spans.first)
        ends = _of_rows(found.ends, laid.row, spans.last)
        count = tf.cast(found.words.nrows(), tf.int32)
        scores = _by_row(spans.scores, laid.row, count, NOTHING)
        order = tf.argsort(scores, direction="DESCENDING", stable=True)
        scores, starts, ends = (
            tf.gather(values, order, batch_dims=1)
            for values in (
                scores,
                _by_row(starts, laid.row, count, -1),
                _by_row(ends, laid.row, count, -1),
            )
        )
        if of_words:
            answers = _joined(found.words, starts, ends)
        else:
            answers = tf.strings.substr(
                context[:, None],
                tf.maximum(starts, 0),
                tf.maximum(ends - starts, 0),
                unit="UTF8_CHAR",
            )
        null = tf.math.unsorted_segment_min(spans.null, laid.row, count)
        total = asked_positions + tf.reduce_sum(lengths, axis=1)
        return _ranked(answers, scores, starts, ends, null, self._top_k) | {
            "num_tokens": total + self._num_specials,
            "truncated": laid.truncated
            | (kept.row_lengths() < asked.row_lengths()),
        }

    def _best_spans(self, asked: Any, laid: Windows) -> "_Spans":
        """Returns the `top_k` best spans of every window, `(N, k)`."""
        asked = tf.gather(asked, laid.row)
        outputs = self._model(self._text_inputs(asked, laid.words))
        spans = best_spans(
            outputs["start_logits"],
            outputs["end_logits"],
            self._text_inputs.word_index(asked, laid.words),
            self._settings.max_answer,
            self._top_k,
        )
        found = spans.first_words >= 0
        begin = laid.first[:, None]
        return _Spans(
            spans.scores,
            tf.where(found, begin + spans.first_words, -1),
            tf.where(found, begin + spans.last_words, -1),
            outputs["start_logits"][:, 0] + outputs["end_logits"][:, 0],
        )


class _Spans(NamedTuple):
    """The best spans of N windows, `(N, k)`, and "no answer", `(N,)`."""

    scores: tf.Tensor
    first: tf.Tensor
    """The first word of each span, counted in the row; -1 for none."""
    last: tf.Tensor
    null: tf.Tensor


def _numbered(words: Any) -> WordPlaces:
    """Returns words whose positions are their own indices."""
    places = numbered(words)
    return WordPlaces(words, places, places + 1)


def _wider(scores: tf.Tensor, columns: int) -> tf.Tensor:
    return tf.pad(scores, [[0, 0], [0, columns]], constant_values=NOTHING)


def _of_rows(places: Any, row: tf.Tensor, word: tf.Tensor) -> tf.Tensor:
    """Returns the offset of each word `(N, k)` in rows; -1 for none."""
    begin = tf.gather(tf.cast(places.row_starts(), tf.int32), row)
    flat = tf.pad(places.values, [[0, 1]])
    index = tf.where(word < 0, tf.size(flat) - 1, begin[:, None] + word)
    return tf.where(word < 0, -1, tf.gather(flat, index))


def _by_row(values: tf.Tensor, row: tf.Tensor, count, fill) -> tf.Tensor:
    """Concatenates the values of N windows for each of B rows, `(B, M)`."""
    ragged_tensor: Any = tf.RaggedTensor
    rows = ragged_tensor.from_value_rowids(
        values, tf.cast(row, tf.int64), nrows=tf.cast(count, tf.int64)
    )
    wide = rows.to_tensor(fill)
    columns = tf.shape(wide)[1] * tf.shape(wide)[2]
    return tf.reshape(wide, [count, columns])


def _joined(words: Any, starts: tf.Tensor, ends: tf.Tensor) -> tf.Tensor:
    """Joins the words `[start, end)` of rows to texts, `(B, M)`."""
    begin = tf.cast(words.row_starts(), tf.int32)[:, None]
    places: Any = tf.ragged.range(
        tf.reshape(begin + tf.maximum(starts, 0), [-1]),
        tf.reshape(begin + tf.maximum(ends, 0), [-1]),
    )
    texts = tf.strings.reduce_join(
        places.with_values(tf.gather(words.values, places.values)),
        axis=1,
        separator=" ",
    )
    return tf.reshape(texts, tf.shape(starts))


def _is_first(answers: tf.Tensor) -> tf.Tensor:
    """Returns whether a text occurs first in its row, `(B, M)`."""
    row = tf.strings.as_string(tf.range(tf.shape(answers)[0])) + " "
    keys = tf.reshape(row[:, None] + answers, [-1])
    distinct, number = tf.unique(keys)
    place = tf.range(tf.size(keys))
    first = tf.math.unsorted_segment_min(place, number, tf.size(distinct))
    return tf.reshape(tf.gather(first, number) == place, tf.shape(answers))


def _ranked(
    answers: tf.Tensor,
    scores: tf.Tensor,
    starts: tf.Tensor,
    ends: tf.Tensor,
    null: tf.Tensor,
    top_k: int,
) -> Tensors:
    """Returns the best distinct texts of `(B, M)`, sorted by score."""
    scores = tf.where(_is_first(answers), scores, NOTHING)
    best, order = tf.math.top_k(_wider(scores, top_k), top_k)
    found = best > NOTHING / 2

    def chosen(values, fill):
        wide = tf.pad(values, [[0, 0], [0, top_k]], constant_values=fill)
        return tf.where(found, tf.gather(wide, order, batch_dims=1), fill)

    return {
        "answers": chosen(answers, ""),
        "scores": tf.where(found, tf.nn.softmax(best), 0.0),
        "starts": chosen(starts, -1),
        "ends": chosen(ends, -1),
        "null_odds": null - best[:, 0],
    }
