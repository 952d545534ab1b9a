"""Lines of CoNLL files: sentences, comments, and columns."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.data.readers.lines import empty_file, is_blank, numbered_lines

# "# sent_id = 1" of CoNLL-U: no word is followed by such columns.
_COMMENT = re.compile(r"#+\s*[\w.:-]+\s*=(\s|$)")
_DOCUMENT = "-DOCSTART-"
_BLANKS = re.compile("[ \t]+")
_SLASHED = re.compile(r"\S+/([A-Z][A-Z0-9$|-]*|[-.,:'`\"()$#]+)")


SLASHED = (
    "It looks like a sentence per line, each word with a slash and its tag: "
    "write a word per line, a tab and its tag, and blank lines between "
    "sentences"
)


class Row(NamedTuple):
    """The columns of a word, and its line number."""

    line: int
    cells: list[str]


class Line(NamedTuple):
    """A line that may be a comment: its number, its text, its columns."""

    number: int
    text: str
    cells: list[str]


class Lines(NamedTuple):
    """The lines of files, split into columns."""

    tabs: bool
    """Whether single tabs separate the columns, and not any blanks."""
    width: int
    blocks: dict[str, list[list[Line]]]
    """The lines by file and sentence. Some may be comments."""


def split_columns(line: str, tabs: bool) -> list[str]:
    """Splits a line into columns, but not at U+3000, which may be a word."""
    if tabs:  # a cell of only blanks is kept: it may be a word
        cells = line.rstrip(" \t").split("\t")
        if " " not in line:
            return cells
        return [cell.strip(" ") or cell for cell in cells]
    return [cell for cell in _BLANKS.split(line) if cell]


def are_slashed(cells: Iterable[str]) -> bool:
    """Returns whether all are words with tags: `In/IN Rome/NNP`."""
    return all(map(_SLASHED.fullmatch, cells))


def columns_of(block: Iterable[tuple[int, str]], tabs: bool) -> list[Line]:
    """Splits the numbered lines of a sentence into columns."""
    return [Line(n, text, split_columns(text, tabs)) for n, text in block]


def sentence_lines(
    path: str | Path, encoding: str = "utf-8"
) -> Iterator[list[tuple[int, str]]]:
    """Yields the numbered lines of each sentence, and comments before it.

    Blank lines and `-DOCSTART-` lines separate sentences.
    """
    block: list[tuple[int, str]] = []
    for number, line in numbered_lines(path, encoding):
        if "\r" in line:
            raise ValueError(
                f"{path}, line {number}: holds a carriage return, which does "
                "not end a line. Convert the line ends, for example with "
                "`mac2unix`."
            )
        if is_boundary(line):
            if block:
                yield block
            block = []
        else:
            block.append((number, line))
    if block:
        yield block


def is_boundary(line: str) -> bool:
    """Returns whether a line is blank or marks the beginning of a document."""
    if is_blank(line):
        return True
    # Some files number this line like a word.
    return _DOCUMENT in line and any(
        cell.startswith(_DOCUMENT) for cell in line.split()[:2]
    )


def read_lines_of(
    paths: Sequence[str | Path],
    first: Mapping[str, int] | None = None,
    encoding: str = "utf-8",
) -> Lines:
    """Reads files of the same layout, and finds the separator of columns.

    Args:
        paths: The files.
        first: The number of sentences to read, by path. Other files are read
            completely.
        encoding: The encoding of all files.

    Raises:
        FileNotFoundError, ValueError: As for `read_conll`.
    """
    read = {
        str(path): list(
            itertools.islice(
                sentence_lines(path, encoding), (first or {}).get(str(path))
            )
        )
        for path in paths
    }
    for path, found in read.items():
        if not found:
            raise empty_file(path)
    every_tab = all("\t" in line for _, line in _sure(read))
    fitting = []
    for tabs in (True, False) if every_tab else (False,):
        blocks = {
            path: [
                [Line(*x, split_columns(x[1], tabs)) for x in b] for b in found
            ]
            for path, found in read.items()
        }
        widths = {len(line[2]) for line in _sure(blocks)}
        if len(widths) == 1 and (width := min(widths)) > 1:
            fitting.append(Lines(tabs, width, blocks))
            # Blanks may separate columns, too, if all lines have them.
            if not all(" " in line[1] for line in _sure(read)):
                break
    if not fitting:
        raise _uneven(read, every_tab)
    return max(fitting, key=lambda lines: (lines.width, lines.tabs))


def _sure(blocks: Mapping[str, Sequence[Sequence[Any]]]) -> list[Any]:
    """Returns lines without "#", which are not comments, or else all lines."""
    lines = [
        line for found in blocks.values() for block in found for line in block
    ]
    return [line for line in lines if line[1][:1] != "#"] or lines


def _uneven(
    read: Mapping[str, list[list[tuple[int, str]]]], tabs: bool
) -> ValueError:
    width = 0
    for path, blocks in read.items():
        for number, line in _sure({path: blocks}):
            found = len(split_columns(line, tabs))
            width = width or found
            if found != width or width < 2:
                return uneven_line(path, number, line, found, width)
    raise AssertionError("all lines have the same number of columns")


def uneven_line(
    path: str | Path, number: int, line: str, found: int, width: int
) -> ValueError:
    """Returns the error of a line with another number of columns."""
    more = f"; the lines before have {width}" if width > 1 else ""
    if found == 1 < width:
        more += ". Its word or its tag is missing"
    if are_slashed(line.split()):
        more += ". " + SLASHED
    if "," in line and ".csv" in Path(path).suffixes:
        more += ". Commas do not separate columns: write tabs"
    return ValueError(
        f"{path}, line {number}: every line must have the same number of "
        "columns, at least 2 (a word and its tag), separated by tabs or "
        "blanks; a blank line separates sentences. "
        f"Received: {found} columns, {line[:60]!r}{more}"
    )


def is_comment(line: Line, width: int) -> bool:
    """Returns whether a line with "#" before a sentence is a comment.

    The word "#" and hashtags have as many columns as other words.
    """
    return bool(_COMMENT.match(line.text)) or len(line.cells) != width
