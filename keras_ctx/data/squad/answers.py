"""Answers in the words of the context, from the logits of positions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from keras_ctx.checks import check_at_least
from keras_ctx.data.squad.windows import QuestionWindows
from keras_ctx.evaluation.best_spans import best_spans

# The score of a missing answer. It is finite, so that JSON can hold it.
_NOTHING = -1e9


class Candidate(NamedTuple):
    """A possible answer.

    Example:
        >>> Candidate("Rome", 3, 4.5, 2.0, 0.9).score
        6.5
    """

    text: str
    """The text in the context; "" for no answer."""
    start: int
    """Its offset in the context, in characters; -1 for no answer."""
    start_logit: float
    end_logit: float
    probability: float
    """Probability among the candidates of the question."""

    @property
    def score(self) -> float:
        return self.start_logit + self.end_logit


@dataclass(frozen=True)
class QuestionAnswers:
    """The candidate answers to one question, and the score of "no answer".

    Example:
        >>> rome = Candidate("Rome", 3, 4.5, 2.0, 1.0)
        >>> answers = QuestionAnswers("q1", [rome], null_score=1.5)
        >>> answers.null_odds, answers.text(), answers.text(threshold=-7.0)
        (-5.0, 'Rome', '')
    """

    id: str
    candidates: list[Candidate]
    """Best first."""
    null_score: float
    """The lowest score of position 0 in all windows."""

    @property
    def null_odds(self) -> float:
        """The score of "no answer" minus that of the best answer, in logits."""
        texts = [row.score for row in self.candidates if row.text]
        return self.null_score - max(texts, default=_NOTHING)

    def text(self, threshold: float | None = None) -> str:
        """Returns the best answer; "" if `null_odds` are above a threshold."""
        if threshold is not None and self.null_odds > threshold:
            return ""
        texts = [row.text for row in self.candidates if row.text]
        return texts[0] if texts else ""


def decode_answers(
    made: QuestionWindows,
    batches: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
    *,
    top_k: int = 20,
    max_answer: int = 30,
    null_answer: bool = False,
) -> list[QuestionAnswers]:
    """Returns the best answers to every question, over all its windows.

    An answer is a run of whole words of the context. Its score is the sum of
    the start logit at its first position and the end logit at its last. The
    score of "no answer" is the lowest sum at position 0 of all windows. Every
    window gives its `top_k` spans. A text that occurs several times gets its
    best score. Probabilities are the softmax of the candidates' scores.

    Args:
        made: The windows from `question_windows`.
        batches: For each batch of `squad_dataset`, in any order, its second
            element and the outputs of a `span_extractor`.
        top_k: Maximum number of candidates per question.
        max_answer: Maximum number of positions of an answer.
        null_answer: Whether "no answer" is a candidate, too.

    Returns:
        One `QuestionAnswers` per question, in the order of the questions.

    Raises:
        ValueError: A number is below 1; the batches do not hold every window
            once; or an output is not finite, as from a model that diverged.

    Example:
        >>> from keras_ctx.data import (
        ...     SquadQuestion, question_windows, squad_dataset)
        >>> from keras_ctx.text import ElmoInputs
        >>> questions = [SquadQuestion("q", "How?", "one two three")]
        >>> inputs = ElmoInputs(max_length=9)
        >>> made = question_windows(
        ...     questions, inputs, training=False, max_question=3)
        >>> dataset = squad_dataset(made, inputs, batch_size=1, training=False)
        >>> logits = np.array([[0.0, 0, 0, 0, 1, 5, 0]])
        >>> outputs = {"start_logits": logits, "end_logits": logits}
        >>> batches = ((where, outputs) for _, where in dataset)
        >>> answers = decode_answers(made, batches, top_k=2)[0]
        >>> [(row.text, row.score) for row in answers.candidates]
        [('two', 10.0), ('one two', 6.0)]

    Source: Devlin et al. 2019, sections 4.2 and 4.3, and
    https://github.com/google-research/bert.

    Differs: The original lets an answer begin at any piece and widens it to
    words afterwards, uses a word only in the window with most context, and
    chooses the `top_k` starts and the `top_k` ends first.
    """
    check_at_least(1, top_k=top_k, max_answer=max_answer)
    found: list[dict[str, Candidate]] = [{} for _ in made.questions]
    nulls: dict[int, Candidate] = {}
    seen = np.zeros(len(made.windows), np.int64)
    for where, outputs in batches:
        starts = np.asarray(outputs["start_logits"])
        ends = np.asarray(outputs["end_logits"])
        finite = np.isfinite(starts).all(1) & np.isfinite(ends).all(1)
        if not finite.all():
            raise ValueError(
                "`batches` must hold finite outputs; the model's training "
                "may have diverged. Received: NaN or infinity in window "
                f"{int(np.asarray(where['window'])[~finite][0])}"
            )
        spans = best_spans(starts, ends, where["word_index"], max_answer, top_k)
        for number, start, end, *rows in zip(
            np.asarray(where["window"]),
            starts,
            ends,
            *(np.asarray(x).tolist() for x in spans[1:]),
            strict=True,
        ):
            seen[number] += 1
            window = made.windows[number]
            question = window.question
            null = Candidate("", -1, float(start[0]), float(end[0]), 0.0)
            if question not in nulls or null.score < nulls[question].score:
                nulls[question] = null
            words = made.context_words[question][window.first : window.limit]
            context = made.questions[question].context
            best = found[question]
            for first, last, at_start, at_end in zip(*rows, strict=True):
                if first < 0:
                    break
                (_, begin), (word, offset) = words[first], words[last]
                text = context[begin : offset + len(word)]
                row = Candidate(
                    text, begin, float(start[at_start]), float(end[at_end]), 0.0
                )
                if text not in best or row.score > best[text].score:
                    best[text] = row
    if (seen != 1).any():
        raise ValueError(
            "`batches` must hold every window of `made` once. Received: "
            f"{(seen == 0).sum()} windows never, {(seen > 1).sum()} repeatedly"
        )
    return [
        QuestionAnswers(
            question.id,
            _ranked(
                [*found[number].values(), *[nulls[number]] * null_answer],
                top_k,
            ),
            nulls[number].score,
        )
        for number, question in enumerate(made.questions)
        if number in nulls
    ]


def _ranked(rows: list[Candidate], top_k: int) -> list[Candidate]:
    """Returns the best candidates, with their probabilities."""
    rows = sorted(rows, key=lambda row: (-row.score, row.start))[:top_k]
    if not rows:
        return []
    exponents = np.exp([row.score - rows[0].score for row in rows])
    shares = (exponents / exponents.sum()).tolist()
    return [
        row._replace(probability=share)
        for row, share in zip(rows, shares, strict=True)
    ]
