"""Reads the input rows of a fastText .bin: words and character n-grams."""

import struct
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_ctx.convert.word_vectors.byte_reader import ByteReader
from keras_ctx.convert.word_vectors.file_format import ARGUMENTS, MAGIC
from keras_ctx.convert.word_vectors.kept_rows import KeptRows
from keras_ctx.convert.word_vectors.vectors import Subwords, WordVectors
from keras_ctx.text.tokenize.word_ngrams import LONGEST_NGRAM

_BYTES_AT_ONCE = 1 << 22
_LONGEST_WORD = 1 << 20
_SUPERVISED = 3
_VERSIONS = (11, 12)


@dataclass(frozen=True)
class _Header:
    dim: int
    bucket: int
    min_ngram: int
    max_ngram: int
    is_oldest: bool

    @property
    def has_ngrams(self) -> bool:
        return self.max_ngram > 0 and self.bucket > 0


def read_fasttext(
    stream: BinaryIO,
    path: Path,
    wanted: AbstractSet[bytes] | None,
    most: int | None,
    errors: str,
    memory: int | None,
) -> WordVectors:
    """Reads a fastText .bin, up to the end of its input matrix.

    Args:
        stream: The file, at its first byte.
        path: The file, for the messages.
        wanted: The words to keep; `None`: all.
        most: Number of words to keep, the first of the file; `None`: all.
        errors: "strict" or "surrogateescape".
        memory: Most bytes of the tables; `None`: what is free.

    Raises:
        ValueError: The file is cut, quantized, pruned, of another version,
            or its sizes do not fit each other.
    """
    reader = ByteReader(stream, path)
    header = _header(reader, path)
    words, pruned = _dictionary(reader, path, header.is_oldest)
    if not header.is_oldest:
        (quantized,) = _unpack(reader, "<?", "the flag before the matrix")
        if quantized or pruned > 0:
            raise ValueError(
                f"{path}: this is a quantized or pruned model of fastText, as "
                "in a .ftz, whose rows are approximations. Take the .bin from "
                "before `fasttext quantize`, or write the vectors of your "
                "words with `fasttext print-word-vectors`. Received: "
                f"quantized={quantized}, pruned n-grams={max(pruned, 0):,}"
            )
    rows, columns = _unpack(reader, "<qq", "the sizes of the matrix")
    if (rows, columns) != (len(words) + header.bucket, header.dim):
        raise ValueError(
            f"{path}: the input matrix must have a row for each of "
            f"{len(words):,} words and {header.bucket:,} n-grams, of "
            f"{header.dim} values. Received: {rows:,} rows of {columns}"
        )
    kept = KeptRows(
        *(path, "row", header.dim, len(words), wanted, most, errors, memory),
        header.bucket if header.has_ngrams else 0,
    )
    chosen = [
        number - 1
        for number, word in enumerate(words, start=1)
        if not kept.is_full and kept.keeps(word, number)
    ]
    _read_words(reader, header.dim, words, chosen, kept)
    found, vectors = kept.finish()
    # With a number of 0, all n-grams were pruned, and none has a row.
    if not header.has_ngrams or pruned == 0:
        return WordVectors(found, vectors)
    grams = np.empty((header.bucket, header.dim), np.float32)
    for start, part in _matrix(reader, header.bucket, header.dim, "n-gram"):
        if not np.isfinite(part).all():
            raise ValueError(
                f"{path}: the vectors of n-grams must be finite. Received: "
                f"nan or inf in rows {start + 1:,} to {start + len(part):,}"
            )
        grams[start : start + len(part)] = part
    return WordVectors(
        found,
        vectors,
        Subwords(header.min_ngram, header.max_ngram, grams, header.is_oldest),
    )


def _header(reader: ByteReader, path: Path) -> _Header:
    is_oldest = not reader.rest(4).startswith(MAGIC)
    version = 0
    if not is_oldest:
        _, version = _unpack(reader, "<ii", "the magic number")
        if version not in _VERSIONS:
            raise ValueError(
                f"{path}: the version of a fastText file must be one of "
                f"{_VERSIONS}. Received: {version}"
            )
    dim, *_, model, bucket, minn, maxn, _, _ = _unpack(
        reader, ARGUMENTS, "the arguments"
    )
    if version == 11 and model == _SUPERVISED:
        maxn = 0  # as fastText reads it
    if (
        dim < 1
        or bucket < 0
        or not (maxn == 0 or 1 <= max(minn, 1) <= maxn <= LONGEST_NGRAM)
    ):
        raise ValueError(
            f"{path}: the arguments must have dim of at least 1, bucket of at "
            f"least 0, and minn <= maxn <= {LONGEST_NGRAM}. Received: "
            f"dim={dim}, bucket={bucket}, minn={minn}, maxn={maxn}"
        )
    return _Header(dim, bucket, max(minn, 1), maxn, is_oldest)


def _dictionary(
    reader: ByteReader, path: Path, is_oldest: bool
) -> tuple[list[bytes], int]:
    """Returns the words, and the number of n-grams that were kept, or -1."""
    what = "the sizes of the dictionary"
    size, num_words, num_labels, _ = _unpack(reader, "<3iq", what)
    pruned = -1
    if not is_oldest:
        (pruned,) = _unpack(reader, "<q", what)
    if not 0 < num_words <= size or num_words + num_labels != size:
        raise ValueError(
            f"{path}: the dictionary must have words and labels, as many as "
            f"it says. Received: {size} entries, {num_words} words and "
            f"{num_labels} labels"
        )
    words = []
    for number in range(1, size + 1):
        what = f"entry {number:,} of {size:,}"
        word = reader.until(b"\0", _LONGEST_WORD, what)
        _, kind = _unpack(reader, "<qb", what)
        if kind != (number > num_words):
            raise ValueError(
                f"{path}, {what}: the dictionary must list its {num_words:,} "
                "words (0) and then its labels (1). Received: "
                f"{kind} for {word[:60]!r}"
            )
        if not kind:
            words.append(word)
    for number in range(max(pruned, 0)):
        reader.exact(8, f"pruned n-gram {number + 1}")
    return words, pruned


def _read_words(
    reader: ByteReader,
    dim: int,
    words: list[bytes],
    chosen: list[int],
    kept: KeptRows,
) -> None:
    rows = np.array(chosen, np.int64)
    for start, part in _matrix(reader, len(words), dim, "word"):
        begin, end = np.searchsorted(rows, [start, start + len(part)])
        here = rows[begin:end]
        kept.put(part[here - start], (here + 1).tolist())


def _matrix(reader: ByteReader, rows: int, columns: int, what: str) -> Any:
    """Yields the first row and the values of parts of a matrix."""
    step = max(_BYTES_AT_ONCE // (4 * columns), 1)
    for start in range(0, rows, step):
        count = min(step, rows - start)
        data = reader.exact(
            4 * columns * count,
            f"the rows {start + 1:,} to {start + count:,} of {rows:,} {what}s",
        )
        yield start, np.frombuffer(data, "<f4").reshape(count, columns)


def _unpack(reader: ByteReader, form: str, what: str) -> tuple:
    return struct.unpack(form, reader.exact(struct.calcsize(form), what))
