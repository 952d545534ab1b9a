"""Lines of CoNLL files: sentences, comments, and columns cut apart."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from keras_ctx.data.readers import empty_file, numbered_lines

# Characters that show nothing: a line of them alone parts two sentences.
_NOTHING = "\ufeff\u200b\u200c\u200d\u2060"
# "# sent_id = 1" of CoNLL-U: no word has such columns behind it.
_COMMENT = re.compile(r"#+\s*[\w.:-]+\s*=(\s|$)")
_DOCUMENT = "-DOCSTART-"


class Row(NamedTuple):
    """The columns of a word, and the number of its line."""

    line: int
    cells: list[str]


class Lines(NamedTuple):
    """Files whose lines are cut apart."""

    tabs: bool
    """Whether single tabs part the columns, or any blanks."""
    width: int
    blocks: dict[str, list[list[tuple[int, str]]]]
    """By file and sentence the lines, of which some may be comments."""


def split_columns(line: str, tabs: bool) -> list[str]:
    """The columns of a line; U+3000 may be a word and parts none."""
    if tabs:  # a cell of blanks alone keeps them: it may be a word
        cells = line.rstrip(" \t").split("\t")
        return [cell.strip(" ") or cell for cell in cells]
    return re.split("[ \t]+", line.strip(" \t"))


def sentence_lines(path: str | Path) -> Iterator[list[tuple[int, str]]]:
    """The numbered lines of each sentence, and comments before it.

    Blank lines and those that mark a document (`-DOCSTART-`) part sentences.
    """
    block: list[tuple[int, str]] = []
    for number, line in numbered_lines(path):
        if is_boundary(line):
            if block:
                yield block
            block = []
        else:
            block.append((number, line))
    if block:
        yield block


def is_boundary(line: str) -> bool:
    """Whether a line shows nothing, or marks where a document begins."""
    if not line.strip().strip(_NOTHING):
        return True
    # Some files number it, as a word.
    return any(cell.startswith(_DOCUMENT) for cell in line.split()[:2])


def read_lines_of(paths: Sequence[str | Path]) -> Lines:
    """Read files of one layout, and find what parts their columns.

    Raises:
        FileNotFoundError, ValueError: as of `read_conll`.
    """
    blocks = {str(path): list(sentence_lines(path)) for path in paths}
    for path, found in blocks.items():
        if not found:
            raise empty_file(path)
    lines = [
        (path, number, line)
        for path, found in blocks.items()
        for block in found
        for number, line in block
    ]
    # What begins with "#" may be a comment, and is looked at later.
    sure = [item for item in lines if not item[2].startswith("#")] or lines
    every_tab = all("\t" in line for _, _, line in sure)
    widths = {
        tabs: {len(split_columns(line, tabs)) for _, _, line in sure}
        for tabs in ([True, False] if every_tab else [False])
    }
    # Words with blanks in them have tabs behind; but where all lines have
    # the same number of blanks, those part columns, too.
    fitting = [
        (width, tabs)
        for tabs, found in widths.items()
        if len(found) == 1 and (width := min(found)) > 1
    ]
    if not fitting:
        raise _uneven(sure, every_tab)
    width, tabs = max(fitting)
    return Lines(tabs, width, blocks)


def _uneven(lines: Sequence[tuple[str, int, str]], tabs: bool) -> ValueError:
    width = len(split_columns(lines[0][2], tabs))
    path, number, line = next(
        item
        for item in lines
        if width < 2 or len(split_columns(item[2], tabs)) != width
    )
    found = len(split_columns(line, tabs))
    return uneven_line(path, number, line, found, width)


def uneven_line(
    path: str | Path, number: int, line: str, found: int, width: int
) -> ValueError:
    """The error of a line that has not as many columns as the others."""
    return ValueError(
        f"{path}, line {number}: every line must have the same number of "
        "columns, at least 2 (a word and its tag); a blank line parts "
        f"sentences. Received: {found} columns, {line[:60]!r}"
        + (f"; the lines before have {width}" if width > 1 else "")
        + (". Its word or its tag is missing" if found == 1 < width else "")
    )


def is_comment(line: str, tabs: bool, width: int) -> bool:
    """Whether a line that begins with "#", before a sentence, is no word.

    The word "#" and hashtags have as many columns as all words.
    """
    found = len(split_columns(line, tabs))
    return bool(_COMMENT.match(line)) or found != width
