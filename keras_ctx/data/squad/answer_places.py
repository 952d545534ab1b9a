"""Where an answer stands in its context, also where the file is wrong."""

from collections.abc import Sequence
from typing import NamedTuple

from keras_ctx.evaluation.questions import SquadAnswer


class AnswerPlace(NamedTuple):
    """The first character of an answer, and how it was found.

    Example:
        >>> AnswerPlace(3, "mended").start
        3
    """

    start: int
    kind: str
    """"right": where the file says; "mended": elsewhere; "found": the file
    does not say where, and it stands once in the context; "guessed": it
    stands there several times, and the first is taken."""


def answer_places(
    context: str, answers: Sequence[SquadAnswer]
) -> list[AnswerPlace | None]:
    """Find each answer in the context.

    An answer that does not stand where the file says is looked for, without
    the blanks around it. If it
    stands in one place only, that is it. Of several it is the one that the
    file's number points to when it counts bytes or UTF-16 units instead of
    characters, or is off by one. An answer without a place in the file, or
    with a negative one, is taken where it first stands, unless the same text
    has a right place in another answer of the question.

    Args:
        context: The text.
        answers: The answers of one question to it.

    Returns:
        A place for each answer; `None` if it is not in the context, or in
        several places, none of which the file can mean.

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
        [p for p in places if p == start],  # but for blanks around it
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
