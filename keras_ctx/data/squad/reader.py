"""Questions: splitting by article, and checks before training."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.schedule import mixed_seed
from keras_ctx.evaluation.questions import SquadQuestion

# The position of an answer without a position in the file.
UNKNOWN = -1


def split_articles(
    questions: Sequence[SquadQuestion], share: float, seed: int = 0
) -> tuple[list[SquadQuestion], list[SquadQuestion]]:
    """Holds out all questions of some articles.

    Questions of one article share their paragraphs, so a split by question
    would evaluate on texts of the training set.

    Args:
        questions: The questions from `read_squad`.
        share: Share of the articles to hold out, above 0 and below 1. The
            number is rounded, and at least one.
        seed: The seed of the choice, which depends only on it and the titles.

    Returns:
        The remaining questions and the held-out ones, in their order.

    Raises:
        ValueError: `share` is out of range, or there are fewer than two
            articles.

    Example:
        >>> rows = [
        ...     SquadQuestion(str(n), "", "", article="abcde"[n // 2])
        ...     for n in range(10)
        ... ]
        >>> kept, held_out = split_articles(rows, 0.2)
        >>> len(kept), [row.article for row in held_out]
        (8, ['d', 'd'])
    """
    check_at_least(0, seed=seed)
    if not 0 < share < 1:
        raise ValueError(
            f"`share` must be above 0 and below 1. Received: share={share}"
        )
    articles = sorted({question.article for question in questions})
    if len(articles) < 2:
        raise ValueError(
            "`questions` must come from at least two articles, to hold out "
            f"one. Received: {len(questions)} questions of {len(articles)}"
        )
    random.Random(mixed_seed(seed, "articles")).shuffle(articles)
    number = min(max(1, round(share * len(articles))), len(articles) - 1)
    chosen = set(articles[:number])
    return (
        [row for row in questions if row.article not in chosen],
        [row for row in questions if row.article in chosen],
    )


def check_answers(
    questions: Sequence[SquadQuestion],
    path: str | Path,
    empty_answers: Literal["impossible", "skip"] | None = None,
    required: bool = False,
) -> list[SquadQuestion]:
    """Decides what questions without an answer mean.

    SQuAD 2.0 marks each question that its text does not answer. Other files
    leave the list of answers empty for unknown reasons. A file in which no
    question has an answer is a file for prediction.

    Args:
        questions: The questions from `read_squad`.
        path: The path of the file, for errors.
        empty_answers: The meaning of an empty list: the text does not answer
            the question ("impossible"), or this is unknown ("skip").
        required: Whether the file must have answers.

    Returns:
        The questions. "impossible" marks those without an answer as
        impossible. "skip" keeps them for prediction, but they are not
        `scorable`.

    Raises:
        ValueError: Some lists are empty and `empty_answers` is `None`, or no
            question has an answer although answers are required.

    Example:
        >>> from keras_ctx.data import SquadAnswer
        >>> rows = [SquadQuestion("1", "?", "a", (SquadAnswer("a", 0),)),
        ...         SquadQuestion("2", "?", "a")]
        >>> check_answers(rows, "a.json", "impossible")[1].is_impossible
        True
    """
    empty = [q for q in questions if not q.answers and not q.is_impossible]
    if len(empty) == len(questions):
        if required:
            raise ValueError(
                f"{path}: at least one question must have an answer, for "
                f"training or scores. Received: {len(empty)} questions "
                "without answers"
            )
        return list(questions)
    if empty and empty_answers is None:
        raise ValueError(
            f"{path}: {len(empty)} of {len(questions)} questions have no "
            "answer, and are not marked impossible (`is_impossible`). Set "
            '`empty_answers`: "impossible" if their text does not answer '
            'them; "skip" if this is unknown, so they are not used for '
            f"training or scores. Received: the first is {empty[0].id!r}"
        )
    if empty_answers == "impossible":
        return [
            question
            if question.answers
            else replace(question, is_impossible=True)
            for question in questions
        ]
    return list(questions)


def scorable(questions: Sequence[SquadQuestion]) -> list[SquadQuestion]:
    """Returns the questions that have an answer or are impossible.

    Example:
        >>> scorable([SquadQuestion("1", "?", "a")])
        []
    """
    return [q for q in questions if q.answers or q.is_impossible]
