"""Reads files of questions, and writes the answers of a model."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.data import (
    QuestionAnswers,
    QuestionWindows,
    SquadQuestion,
    decode_answers,
    question_windows,
    read_squad,
)
from keras_ctx.data.squad.dataset import WindowWords, short_first
from keras_ctx.predictions.run_task import RunTask

# The defaults of finetune_squad.py, for runs that did not record them.
DEFAULTS = {"stride": 128, "max_question": 64, "max_answer": 30}


class WindowInputs:
    """Text inputs of questions with windows, in a graph that is traced once.

    Tracing takes seconds, so keep the object for further calls.

    Args:
        text_inputs: The text inputs of the model.

    Call arguments:
        asked: Words of the questions, ragged strings `(B, None)`.
        window: Words of the windows, ragged strings `(B, None)`.

    Returns:
        The features, and `word_index`, int32 `(B, T)`: for each position the
        index of its word in the window, or -1.

    Example:
        >>> from keras_ctx import text
        >>> words = tf.ragged.constant([["How"]]), tf.ragged.constant([["so"]])
        >>> _, index = WindowInputs(text.ElmoInputs(max_length=9))(*words)
        >>> index.numpy().tolist()
        [[-1, -1, -1, 0]]
    """

    def __init__(self, text_inputs: Any) -> None:
        self.text_inputs = text_inputs
        words = tf.RaggedTensorSpec([None, None], tf.string)
        self._graph = tf.function(
            lambda asked, window: (
                text_inputs(asked, window),
                text_inputs.word_index(asked, window),
            ),
            input_signature=[words, words],
        )

    def __call__(self, asked: Any, window: Any) -> tuple[Any, Any]:
        return self._graph(asked, window)


def answer_questions(
    questions: Sequence[SquadQuestion],
    inputs: WindowInputs,
    run: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    *,
    batch_size: int,
    stride: int,
    max_question: int,
    max_answer: int,
    top_k: int = 20,
    null_answer: bool = False,
    num_questions: int = 256,
) -> Iterator[QuestionAnswers]:
    """Answers `num_questions` at a time, so that memory is bounded.

    Args:
        questions: The questions, from `read_squad`.
        inputs: The window inputs of the model; its text inputs need a
            `max_length`.
        run: The model: maps the features of a batch to its outputs.
        batch_size: Windows per batch.
        stride: See `question_windows`.
        max_question: See `question_windows`.
        max_answer: See `question_windows`.
        top_k: See `decode_answers`.
        null_answer: See `decode_answers`.
        num_questions: Questions in memory at a time.

    Returns:
        A generator of answers, in the order of the questions.

    Raises:
        ValueError: See `question_windows` and `decode_answers`.

    Example:
        >>> from keras_ctx import models, text
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> model = models.span_extractor(encoder)
        >>> inputs = WindowInputs(
        ...     text.ElmoInputs(max_characters=5, max_length=9))
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
            inputs.text_inputs,
            training=False,
            stride=stride,
            max_question=max_question,
            max_answer=max_answer,
        )
        yield from decode_answers(
            made,
            _batches(made, inputs, run, batch_size),
            top_k=top_k,
            max_answer=max_answer,
            null_answer=null_answer,
        )


def _batches(
    made: QuestionWindows,
    inputs: WindowInputs,
    run: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    batch_size: int,
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    """Yields what `decode_answers` reads of each batch.

    It is not a dataset, whose `map` would trace the text inputs at each call.
    """
    words, order = WindowWords(made), np.array(short_first(made), np.int32)
    for start in range(0, len(order), batch_size):
        numbers = order[start : start + batch_size]
        features, index = inputs(*words.words(tf.constant(numbers)))
        yield {"window": numbers, "word_index": index}, run(features)


def answer_lines(
    task: RunTask, path: str | Path, run: Callable, batch_size: int = 32
) -> Iterator[str]:
    """Returns the lines of the official prediction file, one per question.

    Args:
        task: The task of a model that answers questions. Its settings define
            the windows and, if questions may have no answer, `null_threshold`.
        path: File of questions for `read_squad`; its answers are not used.
        run: The model: maps the features of a batch to its outputs.
        batch_size: Windows per batch.

    Returns:
        A generator of lines: a brace, `"id": "answer",` for each question in
        the order of the file, a brace. Together they are one JSON object.

    Raises:
        FileNotFoundError, ValueError: See `read_squad` and `answer_questions`.
    """
    settings = task.settings
    windows: dict[str, Any] = {
        key: settings.get(key, value) for key, value in DEFAULTS.items()
    }
    threshold = settings.get("null_threshold")
    questions = read_squad(path)
    answers = answer_questions(
        questions,
        WindowInputs(task.text_inputs),
        run,
        batch_size=batch_size,
        top_k=1,
        **windows,
    )
    yield "{"
    for number, answer in enumerate(answers, 1):
        key = json.dumps(answer.id, ensure_ascii=False)
        value = json.dumps(answer.text(threshold), ensure_ascii=False)
        yield f"  {key}: {value}{',' * (number < len(questions))}"
    yield "}"
