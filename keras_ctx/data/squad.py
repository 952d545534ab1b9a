"""Questions about texts, and their answers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keras_ctx.data.batches import check_at_least, mixed_seed

# The place of an answer that the file does not tell.
UNKNOWN = -1


class SquadAnswer(NamedTuple):
    """One person's answer, and the place where it begins in the context.

    Example:
        >>> SquadAnswer("Rome", start=3).text
        'Rome'
    """

    text: str
    start: int
    """In characters; negative where the file does not tell."""


@dataclass(frozen=True)
class SquadQuestion:
    """A question, the text that holds its answer, and the answers.

    Example:
        >>> SquadQuestion("q1", "Where?", "In Rome.").is_impossible
        False
    """

    id: str
    question: str
    context: str
    answers: tuple[SquadAnswer, ...] = ()
    is_impossible: bool = False
    """Whether the file says that the context does not answer it."""
    article: str = ""
    """Title of the article that the context is a paragraph of."""


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
