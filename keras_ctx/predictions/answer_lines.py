"""Files of questions, and the answers of a model to them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_ctx.data import (
    QuestionAnswers,
    SquadQuestion,
    decode_answers,
    question_windows,
    read_squad,
    squad_dataset,
)
from keras_ctx.predictions.run_task import RunTask

# Of finetune_squad.py, for runs that do not say.
DEFAULTS = {"stride": 128, "max_question": 64, "max_answer": 30}


def answer_questions(
    questions: Sequence[SquadQuestion],
    text_inputs: Any,
    run: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    *,
    batch_size: int,
    stride: int,
    max_question: int,
    max_answer: int,
    n_best: int = 20,
    null_answer: bool = False,
    num_questions: int = 256,
) -> Iterator[QuestionAnswers]:
    """Answer `num_questions` at a time, so that memory is bounded.

    Args:
        questions: What `read_squad` gave.
        text_inputs: Those of the model, with a `max_length`.
        run: The model: features of a batch to its outputs.
        batch_size: Windows at a time.
        stride: See `question_windows`.
        max_question: Likewise.
        max_answer: Likewise.
        n_best: See `decode_answers`.
        null_answer: Likewise.
        num_questions: Questions in memory at a time.

    Returns:
        A generator of the answers in the order of the questions.

    Raises:
        ValueError: As of `question_windows` and `decode_answers`.

    Example:
        >>> from keras_ctx import models, text
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> model = models.span_extractor(encoder)
        >>> inputs = text.ElmoInputs(max_characters=5, max_length=9)
        >>> questions = [SquadQuestion("q", "How?", "one")]
        >>> answers = answer_questions(
        ...     questions, inputs, model, batch_size=1, stride=3,
        ...     max_question=3, max_answer=2)
        >>> next(answers).text()
        'one'
    """
    for start in range(0, len(questions), num_questions):
        chunk = questions[start : start + num_questions]
        made = question_windows(
            chunk,
            text_inputs,
            training=False,
            stride=stride,
            max_question=max_question,
            max_answer=max_answer,
        )
        dataset = squad_dataset(
            made, text_inputs, batch_size=batch_size, training=False
        )
        yield from decode_answers(
            made,
            ((where, run(features)) for features, where in dataset),
            n_best=n_best,
            max_answer=max_answer,
            null_answer=null_answer,
        )


def answer_lines(
    task: RunTask, path: str | Path, run: Callable, batch_size: int = 32
) -> Iterator[str]:
    """The official file of predictions, one question a line.

    Args:
        task: Of a model that answers questions. Its settings tell the windows
            and, where questions may have no answer, `null_threshold`.
        path: Questions, as `read_squad` reads them; answers are not used.
        run: The model: features of a batch to its outputs.
        batch_size: Windows at a time.

    Returns:
        A generator of lines: a brace, `"id": "answer",` for each question in
        the order of the file, a brace. Together they are one JSON object.

    Raises:
        FileNotFoundError, ValueError: As of `read_squad` and
            `answer_questions`.
    """
    settings = task.settings
    windows: dict[str, Any] = {
        key: settings.get(key, value) for key, value in DEFAULTS.items()
    }
    threshold = settings.get("null_threshold")
    questions = read_squad(path)
    answers = answer_questions(
        questions,
        task.text_inputs,
        run,
        batch_size=batch_size,
        n_best=1,
        **windows,
    )
    yield "{"
    for number, answer in enumerate(answers, 1):
        key = json.dumps(answer.id, ensure_ascii=False)
        value = json.dumps(answer.text(threshold), ensure_ascii=False)
        yield f"  {key}: {value}{',' * (number < len(questions))}"
    yield "}"
