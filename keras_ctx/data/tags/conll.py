"""Reading of tagged sentences in columns, one word a line."""

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
    """Words, a tag for each, and the number of the line of each."""

    words: list[str]
    tags: list[str]
    lines: list[int]


def read_conll(
    path: str | Path, columns: Sequence[int] | None = None
) -> Iterator[tuple[list[str], list[str]]]:
    r"""Read tagged sentences: one word a line, a blank line between two.

    Columns are separated by blanks or tabs (not by U+3000, which may be a
    word); the first is the word, the last the tag. Recognized, too, are a
    column that counts the words before it, CoNLL-U with names in MISC
    (`NER=B-PER`) or else its parts of speech, a language before each word
    (`en:word`), a digit behind each character that counts those of a word,
    names in brackets, and a line of headings. Comments ("# ...") and
    `-DOCSTART-` lines are left out. The file is read whole.

    Args:
        path: The file, plain or compressed.
        columns: Those of the word and of the tag, counted from 0, or from the
            end with -1; `None`: recognized.

    Returns:
        A generator of pairs `(words, tags)` of equal length.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file has no text, bytes that are not UTF-8, a line
            of one column, lines with different numbers of columns, an empty
            word or tag, or columns that must be said.

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
    """Read files of one layout, which is found from all together.

    Args:
        paths: The files.
        columns: As of `read_conll`.
        first: By path how many sentences to read; all of another file.
        encoding: Of all of them.

    Returns:
        By path the sentences; the layout; and what is to be said of it.

    Raises:
        FileNotFoundError, ValueError: as of `read_conll`.
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
    """Read the words of sentences that need no tags, one sentence at a time.

    Args:
        path: A file with the columns of `layout`; with those without the last
            one, if that is the tag; or with words alone, one a line.
        layout: That of the files that the model learned from.

    Returns:
        A generator of the words of each sentence.

    Raises:
        FileNotFoundError: There is no such file.
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
    """As `read_words`, each word with the number of its line."""
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
            # Comments stand before a sentence; a hashtag may be a word.
            if line.text[0] == "#" and not words and is_comment(line, width):
                continue
            found = len(line.cells)
            if found != width or width not in allowed:
                widths = " or ".join(map(str, sorted(allowed)))
                raise ValueError(
                    f"{path}, line {line.number}: a line must hold a word "
                    "alone or the columns of the files that the model learned "
                    f"from, the same number in all ({widths}); a blank line "
                    f"parts sentences. Received: {found} columns, "
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
    """Columns of the words; what is left out though it might be one."""
    tag = -1 if columns is None or len(columns) != 2 else columns[1]
    tag = tag if -lines.width <= tag < lines.width else -1
    width = lines.width
    # Comments stand before a sentence: others are words for sure.
    tags = {"#"}  # that of the pound sign in the Penn Treebank
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
                            "is taken for a comment."
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
    """Leave out a first line that names the columns."""
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
                f"{path}, line {first.line}: {first.cells} is taken for the "
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
