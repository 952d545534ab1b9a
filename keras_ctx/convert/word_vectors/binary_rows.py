"""Reads rows of word vectors from word2vec's binary format."""

from typing import BinaryIO

import numpy as np

from keras_ctx.convert.word_vectors.byte_reader import ByteReader
from keras_ctx.convert.word_vectors.file_format import FileFormat
from keras_ctx.convert.word_vectors.kept_rows import KeptRows

_ROWS_AT_ONCE = 1024
_LONGEST_WORD = 1 << 16


def read_binary_rows(
    stream: BinaryIO, form: FileFormat, kept: KeptRows
) -> None:
    """Reads rows of a word, a blank and D float32.

    A newline may stand between two rows: the C tool writes one, others do not.

    Args:
        stream: The file, at its first byte.
        form: Its format, with the header's number of rows.
        kept: Gets the rows.

    Raises:
        ValueError: The file ends too early or too late, or a row is damaged.
    """
    reader = ByteReader(stream, kept.path)
    reader.until(b"\n", 100, "the header")
    numbers: list[int] = []
    parts: list[bytes] = []

    def flush() -> None:
        vectors = np.frombuffer(b"".join(parts), "<f4")
        kept.put(vectors.reshape(-1, form.width), numbers)
        numbers.clear()
        parts.clear()

    rows = form.rows or 0
    for number in range(1, rows + 1):
        if kept.is_full:
            break
        what = f"row {number} of {rows:,}"
        word = reader.until(b" ", _LONGEST_WORD, f"the word of {what}")
        values = reader.exact(4 * form.width, what)
        if kept.keeps(word.removeprefix(b"\n"), number):
            numbers.append(number)
            parts.append(values)
            if len(parts) == _ROWS_AT_ONCE:
                flush()
    flush()
    if not kept.is_full and (left := reader.rest(100).strip(b"\n")):
        raise ValueError(
            f"{kept.path}: the file must end after the {rows:,} rows of "
            f"{form.width} values that its header says. The header is wrong. "
            f"Received: {left[:40]!r}... after them"
        )
