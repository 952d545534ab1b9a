"""Tells the format of a file of word vectors by its content."""

import codecs
import re
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from keras_ctx.convert.word_vectors.byte_reader import is_gzip, opened

MAGIC = struct.pack("<i", 793712314)
"""The first bytes of a fastText .bin since version 11."""
ARGUMENTS = "<12id"
"""The arguments of fastText: its `dim` first, then 11 integers and `t`."""
_SAMPLE = 1 << 20
_LINES = 1000
_HEADER = re.compile(rb"(\d{1,18})[ \t](\d{1,9})[ \t]*\r?\n")
_CONVERT = "Save its words and vectors as word2vec text, with the program"
_OTHERS = (
    (
        re.compile(rb"\x80[\x02-\x05]"),
        "a pickle, such as a .model of gensim, which can run any code and is "
        "never opened here. In gensim, save it with "
        "`model.wv.save_word2vec_format(path)`",
    ),
    (
        re.compile(rb"\x93NUMPY"),
        "a .npy of NumPy, which has no words, and may be a pickle, which is "
        "never opened here. Save words and rows with `save_word_vectors`",
    ),
    (re.compile(rb"PK\x03\x04"), "a zip archive. Unpack it first"),
    (
        re.compile(rb"BZh[1-9]|\xfd7zXZ|\x28\xb5\x2f\xfd"),
        "a compressed file of another kind than gzip. Decompress it first",
    ),
    (re.compile(rb"\x89HDF"), f"an HDF5 file. {_CONVERT} that wrote it"),
    (
        re.compile(rb"\xff\xfe|\xfe\xff"),
        "text in UTF-16. Write it as UTF-8: "
        "`iconv -f UTF-16 -t UTF-8 FILE > NEW`",
    ),
)


@dataclass(frozen=True)
class FileFormat:
    """What a file of word vectors is.

    Args:
        kind: "text", "binary" (of word2vec) or "fasttext" (.bin).
        width: Number D of features.
        rows: Number of rows by the header; `None` without one.
        estimate: Number of rows, estimated by the size; `None` if not known.
    """

    kind: str
    width: int
    rows: int | None
    estimate: int | None = None


def file_format(path: Path) -> FileFormat:
    """Returns the format of a file of word vectors.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is of no known format, or too short for its header.
    """
    with opened(path) as stream:
        head = stream.read(_SAMPLE).removeprefix(codecs.BOM_UTF8)
    size = None if is_gzip(path) else path.stat().st_size
    for beginning, what in _OTHERS:
        if beginning.match(head):
            raise ValueError(f"{path}: this is {what}. {_received(head)}")
    if head.startswith(MAGIC) or _is_oldest(head):
        return FileFormat("fasttext", 0, None)
    header = _HEADER.match(head)
    _refuse_tabs(path, head[header.end() if header else 0 :])
    if header:
        rows, width = map(int, header.groups())
        kind = "text" if _is_text(head[header.end() :]) else "binary"
        if not rows or not width:
            raise ValueError(
                f"{path}, line 1: the header must be the number of words and "
                f"of features, both at least 1. {_received(head)}"
            )
        # A word of one byte, and one byte a number, with what parts them.
        least = rows * (2 * width + 1 if kind == "text" else 4 * width + 2)
        if size is not None and size < header.end() + least:
            raise ValueError(
                f"{path}, line 1: the file must be as large as its header "
                f"says: {rows:,} rows of {width} values need at least "
                f"{least:,} bytes. It was cut, or the header is of another "
                f"file. Received: {size - header.end():,} bytes after it"
            )
        return FileFormat(kind, width, rows)
    if _is_text(head):
        lines = head.split(b"\n")
        lines = (lines[:-1] if len(lines) > 1 else lines)[:_LINES]
        # Words with blanks in them are few.
        counts = Counter(x.rstrip(b" \r").count(b" ") for x in lines if x)
        length = sum(map(len, lines)) + len(lines)
        estimate = None if size is None else size * len(lines) // length
        width = max(counts.most_common(1)[0][0], 1)
        return FileFormat("text", width, None, estimate)
    raise ValueError(
        f"{path}: the file must be of word2vec (text or binary), GloVe (text) "
        f"or fastText (.vec or .bin), also as .gz. {_received(head)}"
    )


def _is_oldest(head: bytes) -> bool:
    """Returns whether these are the arguments of fastText's first files."""
    if len(head) < struct.calcsize(ARGUMENTS):
        return False
    dim, ws, epoch, _, _, _, loss, model, bucket, minn, maxn, _, t = (
        struct.unpack_from(ARGUMENTS, head)
    )
    return (
        0 < dim < 1 << 16
        and 0 < ws < 1 << 16
        and 0 <= epoch < 1 << 20
        and 1 <= loss <= 4
        and 1 <= model <= 3
        and bucket >= 0
        and 0 <= minn <= 1000
        and 0 <= maxn <= 1000
        and 0 <= t <= 1
    )


def _is_text(body: bytes) -> bool:
    """Returns whether at least half of the first row's values are numbers."""
    fields = body.partition(b"\n")[0].rstrip(b" \r").split(b" ")[1:]
    return bool(fields) and 2 * sum(map(is_number, fields)) >= len(fields)


def _refuse_tabs(path: Path, body: bytes) -> None:
    """Refuses text whose first row is parted by tabs."""
    row = body.partition(b"\n")[0]
    if (
        b"\t" in row
        and not _is_text(row)
        and _is_text(row.replace(b"\t", b" "))
    ):
        raise ValueError(
            f"{path}: blanks must part a word and its values, not tabs. "
            "Replace the tabs: `tr '\\t' ' ' < FILE > NEW`. "
            f"{_received(row)}"
        )


def is_number(field: bytes) -> bool:
    """Returns whether a field is a number, as C's `strtod` reads it."""
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field  # Python's own spelling


def _received(head: bytes) -> str:
    return f"Received: {head[:40]!r}" + "..." * (len(head) > 40)
