"""Questions about texts, and their answers."""

from dataclasses import dataclass
from typing import NamedTuple


class SquadAnswer(NamedTuple):
    """An answer, and its position in the context.

    Example:
        >>> SquadAnswer("Rome", start=3).text
        'Rome'
    """

    text: str
    start: int
    """Offset in characters; negative if the file does not contain it."""


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
