"""Answers questions on contexts, with the code of predict.py."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from keras_ctx.evaluation.questions import SquadQuestion
from keras_ctx.predictions.answer_lines import (
    DEFAULTS,
    WindowInputs,
    answer_questions,
)
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_model.results import Answer

_NUM_QUESTIONS = 256


def answers_of(
    task: RunTask,
    inputs: WindowInputs,
    run: Callable[..., Any],
    rows: Iterator[tuple[str, str]],
    batch_size: int,
) -> Iterator[Answer]:
    """Yields the best answer to each question, in order.

    Args:
        task: Task of a question-answering model. Its settings define the
            windows and, if questions may have no answer, `null_threshold`.
        inputs: Window inputs of its text inputs.
        run: The model: maps the features of a batch to its outputs.
        rows: Pairs of a question and its context.
        batch_size: Windows per batch.
    """
    windows: dict[str, Any] = {
        key: task.settings.get(key, value) for key, value in DEFAULTS.items()
    }
    threshold = task.settings.get("null_threshold")
    while held := list(itertools.islice(rows, _NUM_QUESTIONS)):
        # A context without words has no window and no answer.
        questions = [
            SquadQuestion(str(number), question, context)
            for number, (question, context) in enumerate(held)
            if context.strip()
        ]
        found = {}
        if questions:
            found = {
                answer.id: answer
                for answer in answer_questions(
                    questions,
                    inputs,
                    run,
                    batch_size=batch_size,
                    null_answer=threshold is not None,
                    **windows,
                )
            }
        for number in range(len(held)):
            yield _answer(found.get(str(number)), threshold)


def _answer(found: Any, threshold: float | None) -> Answer:
    if found is None:
        return Answer("", -1, -1, 0.0, float("inf"))
    text = found.text(threshold)
    for row in found.candidates:
        if row.text == text:
            end = row.start + len(text) if text else -1
            score = row.probability
            return Answer(text, row.start, end, score, found.null_odds)
    return Answer("", -1, -1, 0.0, found.null_odds)
