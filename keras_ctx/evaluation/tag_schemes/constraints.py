"""The pairs of successive tags that a tag scheme allows."""

import itertools
from collections.abc import Sequence

# The letters that begin, continue and end an entity, and that of an entity of
# one word. In IOB1 an entity begins with B only after another one of its type,
# in IOB2 always.
_LETTERS = {
    "IOB1": ("B", "I", None, None),
    "IOB2": ("B", "I", None, None),
    "BIOES": ("B", "I", "E", "S"),
    "BILOU": ("B", "I", "L", "U"),
    "BMES": ("B", "M", "E", "S"),
}


def allowed_transitions(
    tags: Sequence[str], scheme: str = "IOB2"
) -> list[tuple[int, int]]:
    """Returns the pairs of tags that may follow each other in a tag scheme.

    Give them as `constraints` to `keras_ctx.layers.CRF`, which then never
    predicts an entity that begins or ends against the rules of the scheme,
    such as "I-PER" after "O" in IOB2.

    Args:
        tags: The names of the tags, in the order of their ids: "O", or a
            letter of the scheme, with a type after a hyphen ("B-PER") or
            without ("B").
        scheme: "IOB1" (CoNLL-2003 as distributed), "IOB2" (also called BIO),
            "BIOES" (IOBES), "BILOU" (BIOUL) or "BMES".

    Returns:
        Pairs `(i, j)`: tag j may follow tag i. `len(tags)` as i is the start
        of a row, `len(tags) + 1` as j its end.

    Raises:
        ValueError: An unknown scheme; a tag that is not of the scheme or is
            repeated.

    Example:
        >>> allowed_transitions(["O", "B-PER", "I-PER"])
        [(0, 0), (0, 1), (0, 4), (1, 0), (1, 1), (1, 2), (1, 4), (2, 0), \
(2, 1), (2, 2), (2, 4), (3, 0), (3, 1)]

    Source:
        The pairs are those of `allowed_transitions` of allenai/allennlp,
        except that BMES may have "O", as in data sets of entities.
    """
    if scheme not in _LETTERS:
        raise ValueError(
            f"`scheme` must be one of {', '.join(map(repr, _LETTERS))}. "
            f"Received: scheme={scheme!r}"
        )
    if len(set(tags)) != len(tags):
        raise ValueError(
            f"`tags` must hold each name once. Received: tags={list(tags)!r}"
        )
    parts = [_parts(tag, scheme) for tag in tags]
    start, end = len(tags), len(tags) + 1
    pairs = [
        (i, j)
        for (i, before), (j, after) in itertools.product(
            enumerate([*parts, None]), enumerate([*parts, None])
        )
        if _allowed(before, after, scheme)
    ]
    # `None` is the boundary of a row, whose id as i and as j differs.
    return [(i, end if j == start else j) for i, j in pairs]


def _parts(tag: str, scheme: str) -> tuple[str, str]:
    """Returns the letter of a tag and its type."""
    letter, hyphen, kind = tag.partition("-")
    letters = [x for x in _LETTERS[scheme] if x is not None]
    if tag == "O" or (letter in letters and (kind or not hyphen)):
        return letter, kind
    raise ValueError(
        f'`tags` must be "O", or one of {", ".join(letters)} with a type, '
        f'such as "{letters[0]}-PER", under `scheme={scheme!r}`. '
        f"Received: {tag!r}. Give the scheme in which the tags are written."
    )


def _allowed(
    before: tuple[str, str] | None, after: tuple[str, str] | None, scheme: str
) -> bool:
    """Returns whether a tag may follow another; `None` is a row's boundary."""
    begin, inside, last, single = _LETTERS[scheme]
    if before is None and after is None:
        return False
    same = before is not None and after is not None and before[1] == after[1]
    letter_before = "O" if before is None else before[0]
    letter = "O" if after is None else after[0]
    if scheme == "IOB1":
        return letter != begin or (letter_before in (begin, inside) and same)
    if last is None:
        return letter != inside or (letter_before in (begin, inside) and same)
    if letter_before in (begin, inside):
        return letter in (inside, last) and same
    return letter in ("O", begin, single)
