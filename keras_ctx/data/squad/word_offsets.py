"""Words of a text and their offsets."""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
_INSIDE, _BLANK, _ALONE, _HIDDEN = range(4)


class WordSpan(NamedTuple):
    """Words `[first, limit)` of a text, and whether they were widened.

    Example:
        >>> WordSpan(2, 4, widened=False).limit
        4
    """

    first: int
    limit: int
    widened: bool


def split_words(text: str) -> list[tuple[str, int]]:
    """Splits a text into words, each with the offset of its first character.

    White space separates words. A punctuation mark, an ASCII symbol and an
    ideograph are words by themselves. This is the rule of BERT's basic
    tokenizer, so a word holds whole pieces, and the answer "1895" in "(1895)"
    is a word. Chinese is split into characters. Combining and invisible
    characters (accents, joiners, controls) belong to the word before them, or
    to no word if there is none.

    Args:
        text: Any string.

    Returns:
        Pairs of a word and its offset in characters: the word is exactly
        `text[offset : offset + len(word)]`.

    Example:
        >>> split_words("Verdi (1895).")
        [('Verdi', 0), ('(', 6), ('1895', 7), (')', 11), ('.', 12)]

    Source: The basic tokenizer of https://github.com/google-research/bert.

    Differs: The text is unchanged. The encoder's inputs handle case, accents
    and controls.
    """
    words: list[tuple[str, int]] = []
    begin = -1  # beginning of the current word; -1 for none

    def close(end: int) -> None:
        nonlocal begin
        if begin >= 0:
            words.append((text[begin:end], begin))
        begin = -1

    for place, character in enumerate(text):
        kind = _kind(character)
        if kind == _INSIDE and begin >= 0 and _kind(text[begin]) == _INSIDE:
            continue
        if kind == _HIDDEN:
            continue
        close(place)
        if kind != _BLANK:
            begin = place
    close(len(text))
    return words


def words_of_span(
    words: Sequence[tuple[str, int]], start: int, end: int
) -> WordSpan | None:
    """Returns the words that a span of characters touches.

    Args:
        words: The words from `split_words`.
        start: First character of the span.
        end: Character after the last.

    Returns:
        The words, or `None` for a span without words (white space, or empty).
        `widened` means that the span begins or ends inside a word, all of
        which is used.

    Example:
        >>> words_of_span(split_words("about 30km away"), 6, 8)
        WordSpan(first=1, limit=2, widened=True)
    """
    # The last word that begins at or before the start may end before it.
    first = max(0, bisect_right(words, start, key=_offset) - 1)
    limit = bisect_left(words, end, key=_offset)
    if first < len(words) and _end(words[first]) <= start:
        first += 1
    if first >= limit or start >= end:
        return None
    widened = words[first][1] < start or _end(words[limit - 1]) > end
    return WordSpan(first, limit, widened)


def _offset(word: tuple[str, int]) -> int:
    return word[1]


def _end(word: tuple[str, int]) -> int:
    return word[1] + len(word[0])


@cache
def _kind(character: str) -> int:
    if character.isspace():
        return _BLANK
    point, category = ord(character), unicodedata.category(character)
    # Also ASCII symbols such as "$" and "+", like BERT.
    symbol = point < 128 and not character.isalnum() and category[0] != "C"
    if symbol or category[0] == "P":
        return _ALONE
    if any(low <= point <= high for low, high in _IDEOGRAPHS):
        return _ALONE
    hidden = category in ("Cc", "Cf") or category[0] == "M"
    return _HIDDEN if hidden else _INSIDE
