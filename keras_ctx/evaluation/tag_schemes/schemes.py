"""Converts tags of words to spans and back, in the schemes of data sets.

Here a tag is "O", a letter ("B"), or a letter, a hyphen and a type ("B-PER").
`TagScheme` reads and writes the other forms that files have.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Span = tuple[int, int, str]
"""First word, the word after the last one, and the type."""


class Letters(NamedTuple):
    """The letter of a span of one word, and the letters of a longer span."""

    single: str
    first: str
    inside: str
    last: str


# The first scheme that fits a file is taken: the most common ones come first.
SCHEMES = {
    "IOB2": Letters("B", "B", "I", "I"),
    "IOB1": Letters("I", "I", "I", "I"),  # "B" after one of the same type
    "BIOES": Letters("S", "B", "I", "E"),
    "BIOS": Letters("S", "B", "I", "I"),
    "BIOE": Letters("B", "B", "I", "E"),
    "BMES": Letters("S", "B", "M", "E"),
    "BILOU": Letters("U", "B", "I", "L"),
    "BMEWO": Letters("W", "B", "M", "E"),
    "IOE2": Letters("E", "I", "I", "E"),
    "IOE1": Letters("I", "I", "I", "I"),  # "E" before one of the same type
}
# The role of a letter: begins (B), is inside (I), ends (E), single word (S).
_ROLES = {"M": "I", "L": "E", "U": "S", "W": "S"}
LETTERS = frozenset("BIESMLUW")


def scheme_letters(scheme: str) -> frozenset[str]:
    """Returns all letters that a scheme may write."""
    seldom = {"IOB1": "B", "IOE1": "E"}.get(scheme, "")
    return frozenset((*SCHEMES[scheme], *seldom))


def split_tag(tag: str) -> tuple[str, str]:
    """Returns the letter and the type of a tag; the type may be ""."""
    return tag[:1], tag[2:]


def tag_spans(tags: Sequence[str]) -> list[Span]:
    """Returns the spans of a sentence, also of tags that break the rules.

    The spans are those of CoNLL's scorer: a span begins at "B", at the letter
    of a single word, or at a tag that continues no span of its type.

    Args:
        tags: One tag for each word.

    Returns:
        `(start, end, type)` of each span; `end` is the word after it.

    Raises:
        ValueError: A tag has another form.

    Example:
        >>> tag_spans(["I-PER", "I-PER", "O", "S-LOC", "B-LOC", "E-LOC"])
        [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 6, 'LOC')]

    Source:
        conlleval of CoNLL-2000, https://www.clips.uantwerpen.be/conll2000,
        with seqeval's rule for "S".
    """
    spans: list[Span] = []
    start, kind, before = -1, "", "O"
    for place, tag in enumerate([*tags, "O"]):
        letter, tag_type = split_tag(tag)
        if tag != "O" and (letter not in LETTERS or tag[1:2] not in ("", "-")):
            raise ValueError(
                '`tags` must be "O", a letter, or a letter, a hyphen and a '
                f"type. Received: {tag!r} at position {place}"
            )
        role = _ROLES.get(letter, letter)
        if start >= 0 and (before in "ES" or role in "BSO" or tag_type != kind):
            spans.append((start, place, kind))
            start = -1
        if start < 0 and role != "O":
            start, kind = place, tag_type
        before = role
    return spans


def exact_spans(tags: Sequence[str], scheme: str = "IOB2") -> list[Span]:
    """Returns the spans of tags that follow the rules of their scheme.

    Args:
        tags: One tag for each word.
        scheme: "IOB2", where a span is a "B" and all "I" of its type that
            follow, and an "I" without a "B" is in no span; or "BIOES", where
            it is an "S", or a "B", any "I" and an "E".

    Returns:
        As `tag_spans`.

    Example:
        >>> exact_spans(["I-PER", "O", "B-PER", "I-PER", "I-LOC"])
        [(2, 4, 'PER')]
        >>> exact_spans(["S-PER", "B-PER", "E-PER", "B-LOC"], "BIOES")
        [(0, 1, 'PER'), (1, 3, 'PER')]

    Source:
        The strict mode of seqeval, with its schemes IOB2 and IOBES.
    """
    return [
        (start, end, kind)
        for start, end, kind in tag_spans(tags)
        if span_tags([(0, end - start, kind)], end - start, scheme)
        == list(tags[start:end])
    ]


def span_tags(
    spans: Iterable[Span], num_words: int, scheme: str = "IOB2"
) -> list[str]:
    """Writes spans as the tags of a scheme.

    Args:
        spans: `(start, end, type)`, in order and without overlap.
        num_words: Number of words of the sentence.
        scheme: A name of `SCHEMES`.

    Returns:
        One tag for each word.

    Example:
        >>> span_tags([(0, 1, "LOC"), (1, 3, "LOC")], 3, "IOB1")
        ['I-LOC', 'B-LOC', 'I-LOC']
        >>> span_tags([(1, 4, "PER")], 4, "BIOES")
        ['O', 'B-PER', 'I-PER', 'E-PER']

    Source:
        Ramshaw and Marcus 1995 (IOB1); Tjong Kim Sang and Veenstra 1999 (IOB2,
        IOE1, IOE2); Ratinov and Roth 2009 (BILOU).
    """
    letters, tags = SCHEMES[scheme], ["O"] * num_words
    before: Span = (0, -1, "")
    for span in spans:
        start, end, kind = span
        ending = f"-{kind}" if kind else ""
        found = [letters.single]
        if end - start > 1:
            inside = [letters.inside] * (end - start - 2)
            found = [letters.first, *inside, letters.last]
        if before[1:] == (start, kind):  # two of one type side by side
            if scheme == "IOB1":
                found[0] = "B"
            elif scheme == "IOE1":
                tags[start - 1] = f"E{ending}"
        tags[start:end] = [f"{letter}{ending}" for letter in found]
        before = span
    return tags


def broken_spans(
    tags: Sequence[str], spans: Sequence[Span], scheme: str
) -> list[Span]:
    """Returns the spans whose tags break the rules of a scheme.

    Example:
        >>> tags = ["I-PER", "O", "B-LOC", "I-LOC"]
        >>> broken_spans(tags, tag_spans(tags), "IOB2")
        [(0, 1, 'PER')]
    """
    right = span_tags(spans, len(tags), scheme)
    return [
        span
        for span in spans
        if right[span[0] : span[1]] != list(tags[span[0] : span[1]])
    ]
