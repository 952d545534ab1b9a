"""Windows of contexts that fit into an input with their question."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.squad.answer_spans import Findings, answer_spans
from keras_ctx.data.squad.window_bounds import window_bounds
from keras_ctx.data.squad.word_offsets import WordSpan, split_words
from keras_ctx.data.tasks.pair_inputs import row_room
from keras_ctx.data.text_inputs import TextInputs
from keras_ctx.evaluation.questions import SquadQuestion


class Window(NamedTuple):
    """One input of the encoder: a question and some words of its context.

    Example:
        >>> Window(question=0, first=40, limit=90, length=70).answer is None
        True
    """

    question: int
    """Number of the question."""
    first: int
    """First word of the context in the window."""
    limit: int
    """The word after the last."""
    length: int
    """Positions of the input."""
    answer: tuple[int, int] | None = None
    """First and last word of the answer, counted in the window; `None` if the
    window holds no complete answer. Of several answers, the first; a widened
    one only if the question has no other."""


@dataclass(frozen=True)
class QuestionWindows:
    """The windows that `question_windows` returns.

    Example:
        >>> len(QuestionWindows([], [], [], [], Findings()).windows)
        0
    """

    questions: Sequence[SquadQuestion]
    question_words: list[list[str]]
    """The words of each question, up to `max_question`."""
    context_words: list[list[tuple[str, int]]]
    """The words of each question's context, and their offsets."""
    windows: list[Window]
    findings: Findings
    """Counts of questions, windows, answers and problems. Print them with
    `findings.report()`."""


def question_windows(
    questions: Sequence[SquadQuestion],
    text_inputs: TextInputs,
    *,
    training: bool,
    stride: int = 128,
    max_question: int = 64,
    max_answer: int = 30,
) -> QuestionWindows:
    """Splits contexts into windows that fit into an input with the question.

    An input is `[CLS] question [SEP] window [SEP]`, or for ELMo
    `question </S> <S> window`, of at most `text_inputs.max_length` positions.
    A window holds as many whole words as fit. The next window begins at most
    `stride` positions later, and early enough that every answer is complete in
    some window: in training every answer of the file, in prediction every
    answer of up to `max_answer` positions.

    Args:
        questions: The questions from `read_squad`.
        text_inputs: A `keras_ctx.text.TextInputs` with a `max_length`.
        training: Whether the windows are for training. If so, a question
            without a usable answer that is not impossible has no windows.
        stride: Maximum number of positions between the beginnings of two
            windows.
        max_question: Maximum number of positions of a question. Longer
            questions are cut.
        max_answer: Maximum number of positions of an answer in prediction, as
            in `decode_answers`.

    Returns:
        A `QuestionWindows`. Its findings count, besides those of
        `answer_spans`: answers `longer than max_answer`, which are used for
        training but never predicted; answers `too long` for any window or
        `cut` by every window; `cut questions`; and, in training, `skipped
        questions`.

    Raises:
        ValueError: `text_inputs.max_length` is `None` or leaves no room for a
            context, or a number is below 1.

    Example:
        >>> from keras_ctx.data import SquadAnswer
        >>> from keras_ctx.text import ElmoInputs
        >>> answers = SquadAnswer("3", 8), SquadAnswer("three", 8)
        >>> questions = [SquadQuestion("q", "How?", "one two three", answers)]
        >>> made = question_windows(
        ...     questions, ElmoInputs(max_length=6), training=True, stride=1,
        ...     max_question=2,
        ... )
        >>> [(window.first, window.limit, window.answer)
        ...  for window in made.windows]
        [(0, 2, None), (1, 3, (1, 1))]
        >>> print(made.findings.report())
        questions 1, windows 2, answers 2, misplaced 1
          misplaced: question q: '3' at 8, where the context has 't'

    Source: The sliding window of https://github.com/google-research/bert,
    which also counts its stride in positions.

    Differs: Windows hold whole words, and overlap as far as answers need.
    """
    check_at_least(
        1, stride=stride, max_question=max_question, max_answer=max_answer
    )
    specials, room = row_room(text_inputs, max_question)
    split = {
        text: split_words(text)
        for question in questions
        for text in (question.question, question.context)
    }
    sizes = _word_lengths(text_inputs, split.values())
    ends = {
        text: np.cumsum([0, *(sizes[word] for word, _ in words)])
        for text, words in split.items()
    }
    made = QuestionWindows(questions, [], [], [], Findings())
    findings = made.findings
    findings.counts.update(
        questions=len(questions),
        windows=0,
        answers=sum(len(question.answers) for question in questions),
    )
    for number, question in enumerate(questions):
        words, places = split[question.context], ends[question.context]
        asked, asked_places = split[question.question], ends[question.question]
        kept = int(np.searchsorted(asked_places, max_question, "right")) - 1
        if kept < len(asked):
            findings.add("cut questions", f"question {question.id}")
        made.question_words.append([word for word, _ in asked[:kept]])
        made.context_words.append(words)
        # Positions of the input outside the window.
        taken = specials + int(asked_places[kept])
        budget = specials + room - taken
        spans = _fitting(question, words, places, budget, max_answer, findings)
        if training and not spans and not question.is_impossible:
            findings.add("skipped questions", f"question {question.id}")
            continue
        longest = max_answer
        if training:
            longest = max((_size(places, span) for span in spans), default=0)
        bounds = window_bounds(
            places, budget, max(1, min(stride, budget - longest))
        )
        # If one answer fits the words, an offset inside a word is a mistake.
        right = [span for span in spans if not span.widened] or spans
        for first, limit in bounds:
            length = taken + int(places[limit] - places[first])
            inside = [s for s in right if first <= s.first and s.limit <= limit]
            answer = None
            if inside:
                answer = inside[0].first - first, inside[0].limit - 1 - first
            made.windows.append(Window(number, first, limit, length, answer))
        for span in spans:
            if not any(a <= span.first and span.limit <= b for a, b in bounds):
                case = f"words {span.first} to {span.limit - 1}"
                findings.add("cut", f"question {question.id}: {case}")
    findings.counts["windows"] = len(made.windows)
    return made


def _fitting(
    question: SquadQuestion,
    words: list[tuple[str, int]],
    places: np.ndarray,
    budget: int,
    max_answer: int,
    findings: Findings,
) -> list[WordSpan]:
    fitting = []
    for span in answer_spans(question, words, findings):
        size = _size(places, span)
        case = f"question {question.id}: {size} positions"
        if size > max_answer:
            findings.add("longer than max_answer", case)
        if size <= budget:
            fitting.append(span)
        else:
            findings.add("too long", f"{case}, and a window has {budget}")
    return fitting


def _size(places: np.ndarray, span: WordSpan) -> int:
    return int(places[span.limit] - places[span.first])


def _word_lengths(
    text_inputs: TextInputs, texts: Iterable[list[tuple[str, int]]]
) -> dict[str, int]:
    """Returns the number of positions of every distinct word."""
    words = list({word: None for text in texts for word, _ in text})
    ragged: Any = tf.RaggedTensor  # the type stubs lack some of its methods
    row = ragged.from_row_lengths(tf.constant(words, tf.string), [len(words)])
    lengths: Any = text_inputs.word_lengths(row)
    return dict(zip(words, lengths.values.numpy().tolist(), strict=True))
