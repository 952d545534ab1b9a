"""Reads rows of word vectors from text: word2vec, GloVe, fastText's .vec."""

import codecs
import warnings
from typing import BinaryIO

import numpy as np

from keras_ctx.convert.word_vectors.file_format import FileFormat, is_number
from keras_ctx.convert.word_vectors.kept_rows import KeptRows

_ROWS_AT_ONCE = 1024
_LONGEST_WORD = 1 << 16


def read_text_rows(stream: BinaryIO, form: FileFormat, kept: KeptRows) -> None:
    """Reads a word and D values a line; the last D fields are the values.

    Args:
        stream: The file, at its first byte.
        form: Its format.
        kept: Gets the rows.

    Raises:
        ValueError: A line is damaged, or there are more or fewer than the
            header says.
    """
    width = form.width
    first = 1
    if form.rows is not None:
        stream.readline()
        first = 2
    most = _LONGEST_WORD + 40 * width  # bytes of a line
    pieces = kept.begins_with()
    block = _Block(kept)
    number, blank, line = first - 1, 0, b"\n"
    while not kept.is_full:
        before, line = line, stream.readline(most)
        if not line:
            line = before
            break
        number += 1
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) == most:
            _refuse(kept, number, f"must have at most {most:,} bytes", line)
        row = line.rstrip(b" \r\n")
        if not row:
            blank = blank or number
            continue
        if blank:
            _refuse(
                kept,
                blank,
                f"must hold a word and {width} values; only at the end of the "
                "file may lines be empty",
                b"",
            )
        count = row.count(b" ")
        if count < width:
            _refuse(
                kept,
                number,
                f"must hold a word and {width} values; {count} follow the "
                "word. It was cut, or the header is wrong",
                line,
            )
        if pieces is not None and row[: row.index(b" ")] not in pieces:
            continue
        word, *values = row.rsplit(b" ", width)
        if count > width and _ends_with_number(word):
            _refuse(
                kept,
                number,
                f"must hold a word and {width} values; {count} follow the "
                "word. The header is wrong, or the word ends with a number: "
                "join its parts with _",
                line,
            )
        if kept.keeps(word, number):
            block.add(number, values)
    block.flush()
    rows = (blank or number + 1) - first
    if form.rows is not None and not kept.is_full and rows != form.rows:
        raise ValueError(
            f"{kept.path}, line 1: the header must be the number of lines "
            "after it. The file was cut or joined, or the header is wrong. "
            f"Received: {form.rows:,} in the header, and {rows:,} lines"
        )
    if not line.endswith(b"\n"):
        warnings.warn(
            f"{kept.path}, line {number}: the last line has no line end. If "
            "the file was cut there, its last value may lack digits.",
            UserWarning,
            stacklevel=3,
        )


def _ends_with_number(word: bytes) -> bool:
    last = word.rpartition(b" ")[2]
    return is_number(last) and any(48 <= x < 58 for x in last)


class _Block:
    """Rows that are converted together."""

    def __init__(self, kept: KeptRows) -> None:
        self._kept = kept
        self._numbers: list[int] = []
        self._values: list[bytes] = []

    def add(self, number: int, values: list[bytes]) -> None:
        self._numbers.append(number)
        self._values += values
        if len(self._numbers) == _ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        width = self._kept.width
        try:
            found = [*map(float, self._values)]
        except ValueError:
            found = []
        if len(found) < len(self._values) or b"_" in b"".join(self._values):
            wrong = next(
                i for i, x in enumerate(self._values) if not is_number(x)
            )
            _refuse(
                self._kept,
                self._numbers[wrong // width],
                f"must hold numbers after the word, but value "
                f"{wrong % width + 1} is none",
                self._values[wrong],
            )
        with np.errstate(over="ignore"):  # to infinity, which is refused
            vectors = np.array(found, np.float32)
        self._kept.put(vectors.reshape(-1, width), self._numbers)
        self._numbers, self._values = [], []


def _refuse(kept: KeptRows, number: int, rule: str, line: bytes) -> None:
    raise ValueError(
        f"{kept.path}, line {number}: the line {rule}. Received: "
        f"{line[:60]!r}" + "..." * (len(line) > 60)
    )
