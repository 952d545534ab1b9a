"""Questions: held out by articles, and checked before anything learns."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.schedule import mixed_seed
from keras_ctx.evaluation.questions import SquadQuestion

# The place of an answer that the file does not tell.
UNKNOWN = -1


def split_articles(
    questions: Sequence[SquadQuestion], share: float, seed: int = 0
) -> tuple[list[SquadQuestion], list[SquadQuestion]]:
    """Hold out the questions of some articles, all of them or none.

    Questions of one article share their paragraphs, so a split by question
    would test on texts that were learned.

    Args:
        questions: What `read_squad` gave.
        share: Of the articles to hold out, above 0 and below 1; rounded, and
            at least one.
        seed: Of the choice, which depends on it and the titles alone.

    Returns:
        The questions that stay and those held out, in their order.

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
            "`questions` must come from at least two articles, to hold one "
            f"out. Received: {len(questions)} questions of {len(articles)}"
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
    """Settle what questions without an answer mean, before they are used.

    SQuAD 2.0 says of each question whether its text answers it. Other files
    leave the list of answers empty, and do not say why. A file in which no
    question has an answer is one to predict.

    Args:
        questions: What `read_squad` gave.
        path: Of the file, for errors.
        empty_answers: What an empty list means: that the text does not answer
            the question ("impossible"), or that nobody tells ("skip").
        required: Whether there must be an answer at all.

    Returns:
        The questions; "impossible" ones are marked so. Those to "skip" stay,
        to be answered, and are not `scorable`.

    Raises:
        ValueError: Some lists are empty and `empty_answers` is `None`, or no
            question has an answer where one is required.

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
                f"{path}: at least one question must have an answer to learn "
                f"from or to score by. Received: {len(empty)} questions "
                "without"
            )
        return list(questions)
    if empty and empty_answers is None:
        raise ValueError(
            f"{path}: {len(empty)} of {len(questions)} questions have no "
            "answer, and are not called impossible (`is_impossible`). Say as "
            '`empty_answers` what that means: "impossible", their text does '
            'not answer them; "skip", nobody knows, so they are not learned '
            f"from or scored. Received: the first is {empty[0].id!r}"
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
    """The questions that have an answer, or are said to have none.

    Example:
        >>> scorable([SquadQuestion("1", "?", "a")])
        []
    """
    return [q for q in questions if q.answers or q.is_impossible]
