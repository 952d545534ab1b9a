"""Readers of tagged sentences in columns, one word per line."""

import collections
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from keras_ctx.data.readers.lines import codec_name, empty_file
from keras_ctx.data.tags.conll_columns import find_layout
from keras_ctx.data.tags.conll_layout import ConllLayout
from keras_ctx.data.tags.conll_lines import (
    Lines,
    Row,
    columns_of,
    is_comment,
    read_lines_of,
    sentence_lines,
    uneven_line,
)

_HEADER_WORDS = frozenset("word words token tokens form text".split())
_HEADER_TAGS = frozenset(
    "tag tags ner ner_tag ner_tags label labels pos pos_tag pos_tags upos "
    "xpos entity iob bio chunk".split()
)


class TaggedSentence(NamedTuple):
    """Words, their tags, and their line numbers."""

    words: list[str]
    tags: list[str]
    lines: list[int]


def read_conll(
    path: str | Path, columns: Sequence[int] | None = None
) -> Iterator[tuple[list[str], list[str]]]:
    r"""Reads tagged sentences: one word per line, blank lines between.

    Columns are separated by blanks or tabs (not by U+3000, which may be a
    word). The first is the word, the last the tag. Also recognized are a first
    column that counts the words, CoNLL-U with names in MISC (`NER=B-PER`) or
    else its parts of speech, a language before each word (`en:word`), a digit
    after each character that counts the characters of a word, names in
    brackets, and a line of column names. Comments ("# ...") and `-DOCSTART-`
    lines are left out. The whole file is read into memory.

    Args:
        path: The file, plain or compressed.
        columns: The columns of the word and of the tag, counted from 0, or
            from the end with -1. `None` recognizes them.

    Returns:
        A generator of pairs `(words, tags)` of equal length.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file has no text, bytes that are not UTF-8, a line
            of one column, lines with different numbers of columns, an empty
            word or tag, or columns that cannot be recognized.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "names.conll")
        >>> _ = path.write_text("# 1\n1\tIn\tO\n2\tRome\tB-LOC\n\n1\tYes\tO\n")
        >>> list(read_conll(path))
        [(['In', 'Rome'], ['O', 'B-LOC']), (['Yes'], ['O'])]
    """
    files, _, _ = read_conll_files([path], columns)
    for sentence in files[str(path)]:
        yield sentence.words, sentence.tags


def read_conll_files(
    paths: Sequence[str | Path],
    columns: Sequence[int] | None = None,
    first: Mapping[str, int] | None = None,
    encoding: str = "utf-8",
) -> tuple[dict[str, list[TaggedSentence]], ConllLayout, list[str]]:
    """Reads files of the same layout, which is recognized from all files.

    Args:
        paths: The files.
        columns: As for `read_conll`.
        first: The number of sentences to read, by path. Other files are read
            completely.
        encoding: The encoding of all files.

    Returns:
        The sentences by path; the layout; and notes about it for the user.

    Raises:
        FileNotFoundError, ValueError: As for `read_conll`.
    """
    lines = read_lines_of(paths, first, encoding)
    rows, notes = _without_comments(lines, columns)
    notes += _remove_headings(rows)
    layout, more = find_layout(rows, lines.width, lines.tabs, columns)
    layout = replace(layout, encoding=codec_name(encoding))
    files = {
        path: [
            found
            for block in blocks
            if (found := _sentence(path, block, layout)).words
        ]
        for path, blocks in rows.items()
    }
    return files, layout, notes + more


def read_words(path: str | Path, layout: ConllLayout) -> Iterator[list[str]]:
    """Reads the words of sentences without tags, one sentence at a time.

    Args:
        path: A file with the columns of `layout`; without the last column, if
            that is the tag; or with only words, one per line.
        layout: The layout of the training files.

    Returns:
        A generator of the words of each sentence.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: A line has another number of columns.

    Example:
        >>> path = Path("words.txt")
        >>> _ = path.write_text("In\\nRome\\n\\nYes\\n")
        >>> list(read_words(path, ConllLayout(width=2)))
        [['In', 'Rome'], ['Yes']]
    """
    for sentence in read_numbered_words(path, layout):
        yield [word for _, word in sentence]


def read_numbered_words(
    path: str | Path, layout: ConllLayout
) -> Iterator[list[tuple[int, str]]]:
    """Like `read_words`, with the line number of each word."""
    allowed = {1, layout.width}
    if layout.tag == layout.width - 1:
        allowed.add(layout.width - 1)
    alone = ConllLayout(prefix=layout.prefix, positions=layout.positions)
    width = 0
    for block in sentence_lines(path, layout.encoding):
        rows = columns_of(block, layout.tabs)
        sure = [line for line in rows if line.text[0] != "#"]
        width = width or len((sure or rows)[0].cells)
        words: list[tuple[int, str]] = []
        for line in rows:
            # Comments come before a sentence; a hashtag may be a word.
            if line.text[0] == "#" and not words and is_comment(line, width):
                continue
            found = len(line.cells)
            if found != width or width not in allowed:
                widths = " or ".join(map(str, sorted(allowed)))
                raise ValueError(
                    f"{path}, line {line.number}: a line must hold only a "
                    "word, or the columns of the training files, the same "
                    f"number in all lines ({widths}); a blank line separates "
                    f"sentences. Received: {found} columns, "
                    f"{line.text[:60]!r}"
                    + (f"; the lines before have {width}" * (found != width))
                )
            if width == 1:
                words.append((line.number, alone.word_of(line.cells)))
            elif layout.is_word(line.cells):
                words.append((line.number, layout.word_of(line.cells)))
        if words:
            yield words


def _without_comments(
    lines: Lines, columns: Sequence[int] | None
) -> tuple[dict[str, list[list[Row]]], list[str]]:
    """Returns the columns of words, and notes on doubtful comments."""
    tag = -1 if columns is None or len(columns) != 2 else columns[1]
    tag = tag if -lines.width <= tag < lines.width else -1
    width = lines.width
    # Comments come before a sentence: other lines are certainly words.
    tags = {"#"}  # the tag of the pound sign in the Penn Treebank
    for blocks in lines.blocks.values():
        for block in blocks:
            begun = False
            for line in block:
                begun = begun or line.text[0] != "#"
                if begun and len(line.cells) == width:
                    tags.add(line.cells[tag])
    rows: dict[str, list[list[Row]]] = {}
    notes: list[str] = []
    for path, blocks in lines.blocks.items():
        rows[path] = []
        for block in blocks:
            found: list[Row] = []
            for line in block:
                if line.text[0] == "#" and not found:
                    if is_comment(line, width):
                        continue
                    if line.cells[tag] not in tags:
                        notes.append(
                            f"{path}, line {line.number}: {line.text[:60]!r} "
                            "is read as a comment."
                        )
                        continue
                if len(line.cells) != width:
                    raise uneven_line(
                        path, line.number, line.text, len(line.cells), width
                    )
                found.append(Row(line.number, line.cells))
            if found:
                rows[path].append(found)
        if not rows[path]:
            raise empty_file(path)
    return rows, notes[:3]


def _remove_headings(rows: Mapping[str, list[list[Row]]]) -> list[str]:
    """Removes a first line that names the columns."""
    notes = []
    counts = collections.Counter(
        row.cells[-1]
        for blocks in rows.values()
        for block in blocks
        for row in block
    )
    for path, blocks in rows.items():
        first = blocks[0][0]
        names = [cell.strip("\"'").lower() for cell in first.cells]
        if (
            _HEADER_WORDS & set(names)
            and names[-1] in _HEADER_TAGS
            and counts[first.cells[-1]] <= len(rows)
        ):
            notes.append(
                f"{path}, line {first.line}: {first.cells} is read as the "
                "names of the columns."
            )
            del blocks[0][0]
            if not blocks[0]:
                del blocks[0]
            if not blocks:
                raise empty_file(path)
    return notes


def _sentence(
    path: str, block: Sequence[Row], layout: ConllLayout
) -> TaggedSentence:
    block = [row for row in block if layout.is_word(row.cells)]
    words = [layout.word_of(row.cells) for row in block]
    tags = layout.tags_of(row.cells for row in block)
    for row, word, tag in zip(block, words, tags, strict=True):
        if not word or not tag.strip():
            raise ValueError(
                f"{path}, line {row.line}: the {'tag' if word else 'word'} is "
                "empty. Write it, or remove the line. Received: "
                f"{row.cells}"
            )
    return TaggedSentence(words, tags, [row.line for row in block])
