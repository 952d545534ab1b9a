"""A sentence with its propositions, and the check that all readers make."""

from typing import Any

from keras_ctx.evaluation.roles.proposition import Proposition

RoleSentence = tuple[tuple[str, ...], list[Proposition]]
"""The words of a sentence, and its propositions, none or several."""


def checked_proposition(place: str, *values: Any) -> Proposition:
    """Returns a proposition; errors name its place in the file.

    Args:
        place: The file and the line.
        *values: The arguments of `Proposition`.

    Raises:
        ValueError: `Proposition` refuses them, or the pieces of the predicate
            are not at its position: then columns, or positions, are mixed up.

    Example:
        >>> checked_proposition("a.txt, line 2", ("It", "fell"), 2)
        Traceback (most recent call last):
        ValueError: a.txt, line 2: `predicate` must be the position of one ...
    """
    try:
        one = Proposition(*values)
    except ValueError as error:
        raise ValueError(f"{place}: {error}. Correct the file.") from error
    if one.verb and not any(x <= one.predicate < y for x, y in one.verb):
        raise ValueError(
            f"{place}: the predicate must be in one of its own pieces, V or "
            "C-V. Columns of arguments must be in the order of their "
            "predicates, and positions must count from 0. Received: "
            f"{one.words[one.predicate]!r} at position {one.predicate}, and "
            f"the pieces {list(one.verb)}"
        )
    return one
