"""Recognition of the columns of words and tags in CoNLL files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from keras_ctx.data.tags.conll_layout import POSITION, ConllLayout
from keras_ctx.data.tags.conll_lines import SLASHED, Row, are_slashed
from keras_ctx.evaluation.tag_schemes.recognized import span_types

UPOS = frozenset(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ "
    "SYM VERB X _".split()
)
# A number of CoNLL-U. Ranges and empty nodes are not words.
_ID = re.compile(r"\d+([-.]\d+)?")
_NAME_KEY = re.compile(r"(?:^|\|)(NER|NE|ner|ne)=")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]+)?:(?=.)")
# Maximum number of words per thousand without the common suffix.
_EXCEPTIONS = 10
# Minimum number of words to judge columns by counts of values.
_FEW_WORDS = 20
# A numbered file with this many columns has more than words and tags.
_MANY_COLUMNS = 6
_BRACKETS = re.compile(r"(\(\w+)?\*?\)?")

Rows = Mapping[str, Sequence[Sequence[Row]]]
"""The words of each sentence, by file."""


def find_layout(
    rows: Rows, width: int, tabs: bool, columns: Sequence[int] | None = None
) -> tuple[ConllLayout, list[str]]:
    """Finds the columns of words and tags, which are the same in all files.

    Args:
        rows: Lines without comments.
        width: Number of columns of each line.
        tabs: Whether tabs separate columns.
        columns: The columns of word and tag, counted from 0, or from the end
            with -1. `None` recognizes them.

    Returns:
        The layout, and sentences for the user about it.

    Raises:
        ValueError: The columns cannot be recognized and must be given, or
            `columns` do not exist.
    """
    if all(are_slashed(row.cells) for row in _each(rows)):
        path, sentences = next(iter(rows.items()))
        row = sentences[0][0]
        raise ValueError(
            f"{path}, line {row.line}: {SLASHED}. Received: {row.cells}"
        )
    notes: list[str] = []
    numbered, tag_key = _numbered(rows, width), ""
    if columns is not None:
        word, tag = _said(columns, width)
        if numbered == 0 and tag == 9:
            tag_key = _name_key(rows, tag)
    else:
        _check_numbers(rows, numbered, width)
        word = 0 if numbered is None else numbered + 1
        tag = width - 1
        if numbered is not None:
            notes.append(
                f"column {numbered} counts the words of a sentence; the words "
                f"are in column {word}."
            )
        if numbered:  # CoNLL-2012, with all its columns
            raise _ask(
                rows,
                f"column {numbered} counts the words, and {width} columns "
                "hold more than tags",
                f"{word} {tag}",
            )
        if numbered == 0 and width == 10 and tabs:
            tag, tag_key = _conllu_tag(rows, notes)
        else:
            _check_tag(rows, word, tag, numbered is not None)
            _check_counts(rows, word, tag)
            if tag - word > 1:
                notes.append(
                    f"of {width} columns, column {word} holds the words and "
                    f"column {tag}, the last, the tags. `--columns WORD TAG` "
                    "chooses others."
                )
    if tag_key:
        notes.append(f"the tags are {tag_key}=... of column {tag}.")
    values = {row.cells[tag] for row in _each(rows)}
    brackets = "*" in values and all(map(_BRACKETS.fullmatch, values))
    if brackets:
        notes.append("names in brackets are read as IOB2, and written as IOB2.")
    layout = ConllLayout(
        *(width, word, tag, tabs, tag_key, brackets),
        numbered=numbered == 0,
    )
    return _with_marks(rows, layout, notes), notes


def _each(rows: Rows):
    for sentences in rows.values():
        for sentence in sentences:
            yield from sentence


def _ask(rows: Rows, why: str, example: str = "1 -1") -> ValueError:
    path, sentences = next(iter(rows.items()))
    row = sentences[0][0]
    return ValueError(
        f"{path}, line {row.line}: {why}. Set `columns` to those of the word "
        f"and of the tag, counted from 0, such as `--columns {example}`. "
        f"Received: {row.cells}"
    )


def _said(columns: Sequence[int], width: int) -> tuple[int, int]:
    inside = [c for c in columns if -width <= c < width]
    word, tag = (c % width for c in (*inside, 0, 0)[:2])
    if len(columns) != 2 or len(inside) != 2 or word == tag:
        raise ValueError(
            "`columns` must be the columns of the word and of the tag, counted "
            f"from 0, of {width} columns. Received: columns={tuple(columns)}"
        )
    return word, tag


def _numbered(rows: Rows, width: int) -> int | None:
    """Returns the column that counts the words of each sentence, if any."""
    return next((c for c in range(width - 1) if _counts(rows, c)), None)


def _check_numbers(rows: Rows, numbered: int | None, width: int) -> None:
    if numbered is not None and numbered >= width - 2:
        raise _ask(
            rows,
            f"column {numbered} counts the words of each sentence, but it is "
            "not followed by two columns for a word and its tag",
            "0 1",
        )
    words = [row.cells[0] for row in _each(rows)]
    if numbered is None and len(words) > 1 and all(map(_ID.fullmatch, words)):
        raise _ask(
            rows,
            "column 0 holds only numbers, which do not count the words of "
            "each sentence from 1",
        )


def _counts(rows: Rows, column: int) -> bool:
    first, longest = set(), 0
    for sentences in rows.values():
        for sentence in sentences:
            ids = [row.cells[column] for row in sentence]
            if not all(map(_ID.fullmatch, ids)):
                return False
            found = [int(x) for x in ids if x.isdecimal()]
            if not found or found != list(
                range(found[0], found[0] + len(found))
            ):
                return False
            first.add(found[0])
            longest = max(longest, len(found))
    return longest > 1 and (first == {1} or first == {0})


def _name_key(rows: Rows, column: int) -> str:
    for row in _each(rows):
        if found := _NAME_KEY.search(row.cells[column]):
            return found[1]
    return ""


def _conllu_tag(rows: Rows, notes: list[str]) -> tuple[int, str]:
    """Returns the column of names in MISC, or else of parts of speech."""
    if key := _name_key(rows, 9):
        return 9, key
    found = {row.cells[3] for row in _each(rows)}
    if found <= UPOS and len(found - {"_"}) > 1:
        notes.append(
            "the tags are the parts of speech of column 3 (UPOS): column 9 "
            "(MISC) has no NER=... `--columns WORD TAG` chooses others."
        )
        return 3, ""
    raise _ask(rows, "it is unclear which of ten columns holds the tags", "1 4")


def _check_tag(rows: Rows, word: int, tag: int, numbered: bool) -> None:
    """Raises an error if the last column may not be the tag."""
    types = {c: _types(rows, c) for c in range(word, tag + 1)}
    values = {row.cells[tag] for row in _each(rows)}
    others = [c for c in range(word + 1, tag) if types[c]]
    if numbered and tag + 1 >= _MANY_COLUMNS and not types[tag] and not others:
        raise _ask(
            rows,
            f"it is unclear which of {tag + 1} columns holds the tags",
            f"{word} {tag}",
        )
    if others and not types[tag] and (numbered or values != {"O"}):
        raise _ask(
            rows,
            f"column {others[-1]} holds tags of spans, and column {tag}, the "
            "last, other tags",
            f"{word} {others[-1]}` or `--columns {word} {tag}",
        )
    if types[tag] & types.get(tag - 1, set()) and tag - 1 > word:
        raise _ask(
            rows,
            f"columns {tag - 1} and {tag} both hold tags of the same types",
            f"{word} {tag - 1}` or `--columns {word} {tag}",
        )
    if types[word] and not types[tag]:
        raise _ask(
            rows,
            f"column {word} holds tags of spans, but column {tag} does not",
            f"{tag} {word}",
        )


def _check_counts(rows: Rows, word: int, tag: int) -> None:
    """Raises an error if another column has fewer values, like tags.

    TreeTagger writes the lemma after the tag, and some write the tag first.
    """
    if _types(rows, tag):
        return
    numbers = {
        column: len({row.cells[column] for row in _each(rows)})
        for column in range(word, tag + 1)
    }
    num_words = sum(1 for _ in _each(rows))
    fewer = [
        column
        for column in range(word + 1, tag)
        if 1 < numbers[column] < numbers[tag]
    ]
    if fewer:
        best = min(fewer, key=numbers.__getitem__)
        raise _ask(
            rows,
            f"column {tag}, the last, holds {numbers[tag]} different values, "
            f"and column {best} {numbers[best]}: either may be the tags",
            f"{word} {best}` or `--columns {word} {tag}",
        )
    if num_words >= _FEW_WORDS and numbers[word] < numbers[tag]:
        raise _ask(
            rows,
            f"column {tag}, the last, holds {numbers[tag]} different values, "
            f"and column {word}, the first, {numbers[word]}, as if it held "
            "the tags",
            f"{tag} {word}` or `--columns {word} {tag}",
        )


def _types(rows: Rows, column: int) -> set[str]:
    """Returns the types of the spans in a column, or none without spans."""
    values = {row.cells[column] for row in _each(rows)}
    # A column of tags has few values.
    return span_types(values) if len(values) < 500 else set()


def _with_marks(
    rows: Rows, layout: ConllLayout, notes: list[str]
) -> ConllLayout:
    """Adds the common prefix or suffix of all words to the layout."""
    words = [row.cells[layout.word] for row in _each(rows)]
    first = _LANGUAGE.match(words[0])
    if first and len(words) > 1:
        if all(w.startswith(first[0]) and w != first[0] for w in words):
            notes.append(f"{first[0]!r} before each word is removed.")
            return replace(layout, prefix=first[0])
    if len(words) > 1 and _have_positions(rows, layout.word):
        notes.append(
            "the digit after each word, its position in a longer word, is "
            f"removed ({words[0]!r} is read as "
            f"{POSITION.fullmatch(words[0])[1]!r})."  # pyright: ignore
        )
        return replace(layout, positions=True)
    return layout


def _have_positions(rows: Rows, column: int) -> bool:
    """Returns whether words end in 0, or in 1 more than the previous word.

    A few may not: a blank may have been a character.
    """
    longest = words = others = 0
    for sentences in rows.values():
        for sentence in sentences:
            before = -1
            for row in sentence:
                found = POSITION.fullmatch(row.cells[column])
                place = int(found[2]) if found else -1
                words += 1
                others += place not in (0, before + 1) or place < 0
                before = place
                longest = max(longest, before)
    return longest > 0 and 1000 * others <= _EXCEPTIONS * words
