"""Positions of answers in their contexts, even if the file is wrong."""

from collections.abc import Sequence
from typing import NamedTuple

from keras_ctx.evaluation.questions import SquadAnswer


class AnswerPlace(NamedTuple):
    """The position of an answer's first character, and how it was found.

    Example:
        >>> AnswerPlace(3, "mended").start
        3
    """

    start: int
    kind: str
    """"right": at the file's position; "mended": at another one; "found": the
    file has no position, and the answer occurs once in the context; "guessed":
    it occurs several times, and the first is used."""


def answer_places(
    context: str, answers: Sequence[SquadAnswer]
) -> list[AnswerPlace | None]:
    """Finds each answer in the context.

    An answer that is not at the file's position is searched for, without
    surrounding blanks. If it occurs once, this is its position. If it occurs
    several times, it is the occurrence that the file's number points to if it
    counts bytes or UTF-16 units instead of characters, or is off by one. An
    answer without a position in the file, or with a negative one, gets its
    first occurrence, unless the same text has a correct position in another
    answer to the question.

    Args:
        context: The text.
        answers: The answers to one question about it.

    Returns:
        A position for each answer, or `None` if it is not in the context, or
        occurs several times and none fits the file's position.

    Example:
        >>> answers = SquadAnswer("Rome", 9), SquadAnswer("Rome", -1)
        >>> answer_places("in Rome, Rome", answers)[1]
        AnswerPlace(start=9, kind='found')
        >>> answer_places("in Rome, Rome", [SquadAnswer("in", 2)])
        [AnswerPlace(start=0, kind='mended')]
    """
    right = {
        text: start
        for text, start in answers
        if start >= 0 and context.startswith(text, start)
    }
    found: list[AnswerPlace | None] = []
    for text, start in answers:
        if start >= 0 and context.startswith(text, start):
            found.append(AnswerPlace(start, "right"))
        elif start < 0 and text in right:
            found.append(AnswerPlace(right[text], "found"))
        else:
            found.append(_searched(context, text, start))
    return found


def _searched(context: str, text: str, start: int) -> AnswerPlace | None:
    places = _occurrences(context, text.strip())
    if not places:
        return None
    if start < 0:
        kind = "found" if len(places) == 1 else "guessed"
        return AnswerPlace(places[0], kind)
    if len(places) == 1:
        return AnswerPlace(places[0], "mended")
    in_bytes = {p: len(context[:p].encode()) for p in places}
    in_units = {p: len(context[:p].encode("utf-16-le")) // 2 for p in places}
    for meant in (
        [p for p in places if p == start],  # apart from surrounding blanks
        [p for p in places if in_bytes[p] == start],
        [p for p in places if in_units[p] == start],
        [p for p in places if abs(p - start) == 1],
    ):
        if len(meant) == 1:
            return AnswerPlace(meant[0], "mended")
    return None


def _occurrences(context: str, text: str) -> list[int]:
    places: list[int] = []
    start = context.find(text) if text else -1
    while start >= 0:
        places.append(start)
        start = context.find(text, start + 1)
    return places
