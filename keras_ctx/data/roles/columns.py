"""Reads propositions from the columns of CoNLL-2005 and CoNLL-2012."""

import collections
import itertools
from collections.abc import Sequence
from pathlib import Path

from keras_ctx.data.readers.lines import empty_file
from keras_ctx.data.roles.brackets import CELL, bracket_spans
from keras_ctx.data.roles.sentence import RoleSentence, checked_proposition
from keras_ctx.data.tags.conll_lines import Line, columns_of, sentence_lines
from keras_ctx.evaluation.roles.proposition import VERB

DOCUMENT = "#begin document"
_NO_PREDICATE = "-"
# Columns of CoNLL-2012, counted from 0.
_WORD, _LEMMA, _FRAMESET, _FIRST = 3, 6, 7, 11
_LAYOUT = (
    "The columns must be a word, others or none, the lemma of a predicate or "
    f'"{_NO_PREDICATE}", and a column of brackets for each predicate of the '
    "sentence"
)


def read_columns(
    path: str | Path, words: str | Path | None = None
) -> list[RoleSentence]:
    """Reads the columns of CoNLL-2005; see `read_propositions`."""
    blocks = _blocks(path)
    if words is None:
        base = _predicate_column(path, blocks)
        word = _word_column(base, blocks)
        sentences = [[line.cells[word] for line in lines] for lines in blocks]
    else:
        base, sentences = 0, _words_beside(path, blocks, words)
    found = []
    for block, row in zip(blocks, sentences, strict=True):
        senses = [line.cells[base] for line in block]
        columns = range(base + 1, len(block[0].cells))
        found.append(_sentence(path, block, tuple(row), senses, columns))
    return found


def read_conll_2012(path: str | Path) -> list[RoleSentence]:
    """Reads the columns of CoNLL-2012; see `read_propositions`."""
    found = []
    for block in _blocks(path):
        width = len(block[0].cells)
        if width <= _FIRST:
            raise ValueError(
                f"{path}, line {block[0].number}: a line of CoNLL-2012 must "
                f"have at least {_FIRST + 1} columns, the last one for "
                f"coreference. Received: {width}, {block[0].text[:60]!r}"
            )
        words = tuple(line.cells[_WORD] for line in block)
        senses = []
        for line in block:
            lemma, frameset = line.cells[_LEMMA], line.cells[_FRAMESET]
            known = frameset == _NO_PREDICATE or "." in frameset
            senses.append(frameset if known else f"{lemma}.{frameset}")
        columns = range(_FIRST, width - 1)
        found.append(_sentence(path, block, words, senses, columns))
    return found


def _blocks(path: str | Path) -> list[list[Line]]:
    """Returns the lines of each sentence, all with as many columns."""
    found = []
    for numbered in sentence_lines(path):
        block = columns_of(numbered, tabs=False)
        block = [
            line
            for line in block
            if not line.text.startswith((DOCUMENT, "#end document"))
        ]
        for line in block:
            if len(line.cells) != len(block[0].cells):
                raise ValueError(
                    f"{path}, line {line.number}: all lines of a sentence "
                    "must have the same number of columns, and a blank line "
                    f"must separate sentences. Received: {len(line.cells)} "
                    f"columns, {line.text[:60]!r}; the first line of the "
                    f"sentence, {block[0].number}, has {len(block[0].cells)}"
                )
        if block:
            found.append(block)
    if not found:
        raise empty_file(path)
    return found


def _predicate_column(path: str | Path, blocks: Sequence[list[Line]]) -> int:
    """Returns the column of lemmas, by which most sentences can be read."""
    votes: collections.Counter[int] = collections.Counter()
    for block in blocks:
        width = len(block[0].cells)
        for column in range(width):
            there = [line.cells[column] != _NO_PREDICATE for line in block]
            if sum(there) == width - 1 - column and all(
                CELL.fullmatch(cell)
                for line in block
                for cell in line.cells[column + 1 :]
            ):
                votes[column] += 1
    first = blocks[0][0]
    if not votes:
        raise ValueError(
            f"{path}, line {first.number}: {_LAYOUT}. Received: "
            f"{first.text[:60]!r}"
        )
    best = votes.most_common(1)[0][0]
    if best == 0:
        raise ValueError(
            f"{path}, line {first.number}: the file has no words, only lemmas "
            "and brackets. Give the file of words as `words`. Received: "
            f"{first.text[:60]!r}"
        )
    return best


def _word_column(base: int, blocks: Sequence[list[Line]]) -> int:
    """Returns the column of words: after a document and two numbers, or 0."""
    numbered = base > _WORD and all(
        cell.isdecimal()
        for block in blocks
        for line in block
        for cell in line.cells[1:_WORD]
    )
    return _WORD if numbered else 0


def _words_beside(
    path: str | Path, blocks: Sequence[list[Line]], words: str | Path
) -> list[list[str]]:
    """Returns the words of another file with the same sentences."""
    others = _blocks(words)
    for block, other in itertools.zip_longest(blocks, others, fillvalue=[]):
        if len(block) != len(other):
            received = ", and ".join(
                f"{name} {len(found)} lines"
                + (f" from line {found[0].number}" if found else "")
                for name, found in ((path, block), (words, other))
            )
            raise ValueError(
                f"{words} must have a word for each line of {path}, with "
                "blank lines between the same sentences. Received: of one "
                f"sentence {received}"
            )
    return [[line.cells[0] for line in other] for other in others]


def _sentence(
    path: str | Path,
    block: Sequence[Line],
    words: tuple[str, ...],
    senses: Sequence[str],
    columns: Sequence[int],
) -> RoleSentence:
    """Reads the propositions of a sentence, a column for each predicate."""
    predicates = [
        place for place, sense in enumerate(senses) if sense != _NO_PREDICATE
    ]
    if len(predicates) != len(columns):
        named = ", ".join(senses[place] for place in predicates) or "none"
        raise ValueError(
            f"{path}, line {block[0].number}: a sentence must have a column of "
            "arguments for each of its predicates. Received: "
            f"{len(columns)} columns and {len(predicates)} predicates ({named})"
        )
    propositions = []
    for place, column in zip(predicates, columns, strict=True):
        spans = bracket_spans(path, block, column)
        propositions.append(
            checked_proposition(
                f"{path}, line {block[place].number}",
                words,
                place,
                tuple(span for span in spans if span[2] not in VERB),
                senses[place],
                tuple(span[:2] for span in spans if span[2] in VERB),
            )
        )
    return words, propositions
