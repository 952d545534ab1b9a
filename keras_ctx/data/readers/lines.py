"""Streaming readers of text files: one line in memory at a time."""

import codecs
import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from keras_ctx.data.readers.compressed import open_file, whole_stream
from keras_ctx.data.readers.named_encoding import NamedEncoding
from keras_ctx.files.existing_file import check_file

# The first bytes of files that are often given instead of a text.
_NO_TEXTS = {
    b"\x1f\x8b": "a gzip stream: give it a name that ends in .gz",
    b"PK\x03\x04": "a zip archive or an Excel workbook: unpack it, or save "
    "the sheet as CSV",
    b"PAR1": "Parquet: write it as JSON lines or CSV",
    b"%PDF": "a PDF: save its text as a .txt",
    b"BZh": "a bzip2 stream: give it a name that ends in .bz2",
    b"\xfd7zXZ": "an xz stream: give it a name that ends in .xz",
    b"\x28\xb5\x2f\xfd": "a Zstandard stream: give it a name that ends in .zst",
    b"\x00\x05\x16\x07": "an AppleDouble file, which macOS adds to another "
    "file: remove it",
    b"\xff\xfe": "UTF-16: convert it, `iconv -f UTF-16 -t UTF-8 FILE > NEW`, "
    "or name that encoding where `encoding` can be given",
    b"\xfe\xff": "UTF-16: convert it, `iconv -f UTF-16 -t UTF-8 FILE > NEW`, "
    "or name that encoding where `encoding` can be given",
}
_SURELY = (b"PK\x03\x04", b"\x1f\x8b", b"\x00\x05\x16\x07")

# Invisible characters that `str.isspace` does not count as blanks.
_NOTHING = "\ufeff\u200b\u200c\u200d\u2060"


def is_blank(line: str) -> bool:
    """Returns whether a line is empty or holds only invisible characters."""
    return all(x.isspace() or x in _NOTHING for x in line)


def is_text(string: str) -> bool:
    """Returns whether a string can be written in UTF-8.

    JSON can hold half of a surrogate pair ("\\ud800"), which cannot.
    """
    return not any("\ud800" <= x <= "\udfff" for x in string)


def numbered_lines(
    path: str | Path, encoding: str | None = None
) -> Iterator[tuple[int, str]]:
    """Yields `(line number, text)`, with numbers from 1.

    `encoding` `None` means UTF-8, and that the user cannot choose another. A
    UTF-8 file that is read as another encoding is refused at its end. Lines
    are split as bytes: Python's text mode would report a bad byte without its
    line, and `str.splitlines` also splits at U+2028.
    """
    codec = codec_name(encoding or "utf-8")
    if codec.startswith(("utf-16", "utf-32")):
        yield from _wide_lines(path, codec)
        return
    number, raw, first = 0, b"", b""
    named = NamedEncoding(codec)
    try:
        for number, raw in raw_lines(path):
            first = first or raw
            named.look(raw)
            text = raw.decode(codec).rstrip("\r\n")
            yield number, text.removeprefix("\ufeff") if number == 1 else text
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}, line {number}: byte {error.start} is not "
            f"{codec.upper()} ({error.reason})."
            + (is_no_text(first) or _conversion(encoding is not None))
        ) from error
    if fault := named.fault():
        raise ValueError(
            f"{path}: `encoding` must be that of the file.{fault} Leave "
            "`encoding` out or set it to utf-8; if other files need this "
            f"encoding, convert the file. Received: encoding={encoding!r}"
        )


def _conversion(can_be_named: bool) -> str:
    """Returns advice for a text in another encoding."""
    named = ", or set `encoding`, for example --encoding latin-1"
    return (
        " Convert the file: `iconv -f ISO-8859-1 -t UTF-8 FILE > NEW` (or "
        "`-f WINDOWS-1252`, `-f GB18030`)" + named * can_be_named + "."
    )


def codec_name(encoding: str) -> str:
    """Returns Python's name of an encoding, without "-sig"."""
    try:
        return codecs.lookup(encoding).name.removesuffix("-sig")
    except LookupError as error:
        raise ValueError(
            "`encoding` must be one that Python knows, such as utf-8, "
            f"latin-1 or gb18030. Received: encoding={encoding!r}"
        ) from error


def is_no_text(first: bytes) -> str:
    """Returns a sentence on the type of a file that is not a text."""
    if first[257:262] == b"ustar":
        return " It looks like a tar archive: unpack it."
    for start, what in _NO_TEXTS.items():
        if first.startswith(start):
            return f" It looks like {what}."
    if _is_wide(first):
        end = "BE" if first[0] == 0 else "LE"
        return (
            f" It looks like UTF-16: set `encoding` to utf-16-{end.lower()} "
            f"where it can be given, or convert it: `iconv -f UTF-16{end} -t "
            "UTF-8 FILE > NEW`."
        )
    if _is_old_mac(first):
        return (
            " Its lines end in only a carriage return, as on old Macs, so it "
            "would be read as one line: convert it, "
            "`tr '\\r' '\\n' < FILE > NEW`."
        )
    return ""


def _is_wide(first: bytes) -> bool:
    """Returns whether a first line is UTF-16: every other byte is 0."""
    marked = first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return not marked and len(first) > 2 and 3 * first.count(0) >= len(first)


def _is_old_mac(first: bytes) -> bool:
    """Returns whether a first line, the whole file, has old line ends."""
    return not first.endswith(b"\n") and b"\r" in first.rstrip(b"\r")


def _wide_lines(path: str | Path, codec: str) -> Iterator[tuple[int, str]]:
    """Like `numbered_lines`, if a line feed is not one byte."""
    number = 0
    with _opened(Path(path)) as file:
        lines = io.TextIOWrapper(file, codec, newline="\n")
        try:
            while line := _next(lines, path, number):
                number += 1
                text = line.rstrip("\r\n")
                yield number, text.removeprefix("\ufeff")
        except UnicodeError as error:
            raise ValueError(
                f"{path}, after line {number}: the rest is not "
                f"{codec.upper()} ({error})."
            ) from error


def raw_lines(
    path: str | Path, old_mac: bool = False
) -> Iterator[tuple[int, bytes]]:
    """Yields `(line number, bytes)` of a file, plain or compressed.

    A file whose lines all end in only a carriage return is read with `old_mac`
    and otherwise refused.
    """
    with _opened(Path(path)) as file:
        number = 0
        while raw := _next(file, path, number):
            number += 1
            if number == 1 and old_mac and _is_old_mac(raw):
                yield from enumerate(raw.rstrip(b"\r").split(b"\r"), 1)
                return
            # Files that some encodings, such as latin-1, would read as text.
            if number == 1 and (
                raw[257:262] == b"ustar"
                or raw.startswith(_SURELY)
                or _is_wide(raw)
                or _is_old_mac(raw)
            ):
                raise ValueError(f"{path}: not a text.{is_no_text(raw)}")
            yield number, raw


def _next(file: IO, path: str | Path, number: int):
    # Not around a `yield`: that would also catch errors of the caller.
    with whole_stream(path, f"{path}, after line {number}"):
        return file.readline()


def _opened(path: Path) -> IO[bytes]:
    check_file(
        path, "path", "; prepare_corpus.py reads folders, for pretraining"
    )
    return open_file(path)


def blank_line_documents(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yields runs of lines that are not empty."""
    for there, run in itertools.groupby(lines, bool):
        if there:
            yield list(run)


def empty_file(path: str | Path) -> ValueError:
    return ValueError(f"{path}, line 1: the file holds no text.")


def read_lines(path: str | Path, keep_blank: bool = False) -> Iterator[str]:
    r"""Streams the lines of a UTF-8 text file that are not blank.

    A byte order mark and Windows line ends are removed. A file whose name ends
    in `.gz`, `.bz2`, `.xz` or `.zst` is decompressed while it is read.

    Args:
        path: The file.
        keep_blank: Whether to return blank lines too, so that items are
            numbered like the lines of the file.

    Returns:
        A generator of strings without their line ends.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file has no text (with `keep_blank`: no line), or
            bytes that are not UTF-8. As with all these readers, the error is
            raised during iteration, and names the file and the line.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "corpus.txt")
        >>> _ = path.write_bytes(b"\xef\xbb\xbfone\r\n\r\ntwo\n")
        >>> list(read_lines(path))
        ['one', 'two']
    """
    found = False
    for _, line in numbered_lines(path):
        if keep_blank or line.strip():
            found = True
            yield line
    if not found:
        raise empty_file(path)


def check_text(path: str | Path) -> None:
    r"""Reads a text to its end, as `read_lines` will.

    This finds an error in its last line before training, not during it.

    Args:
        path: The file, plain or compressed.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: `read_lines` refuses the file.

    Example:
        >>> _ = Path("bad_end.txt").write_bytes(b"one\n\xff\n")
        >>> check_text("bad_end.txt")
        Traceback (most recent call last):
        ValueError: bad_end.txt, line 2: byte 0 is not UTF-8 ...
    """
    for _ in read_lines(path):
        pass


def survey_lines(path: str | Path) -> tuple[int, str]:
    r"""Counts the lines of a file, including blank ones, and hashes them.

    Args:
        path: The file, plain or compressed.

    Returns:
        The number of lines, and the SHA-256 of all lines, which does not
        depend on the kind of line ends.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file has no line, or bytes that are not UTF-8.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "corpus.txt")
        >>> _ = path.write_bytes(b"one\r\n\r\ntwo")
        >>> number, digest = survey_lines(path)
        >>> number, digest[:8]
        (3, 'ca48018c')
    """
    digest, num_lines = hashlib.sha256(), 0
    for line in read_lines(path, keep_blank=True):
        digest.update(line.encode() + b"\n")
        num_lines += 1
    return num_lines, digest.hexdigest()


def read_documents(path: str | Path) -> Iterator[list[str]]:
    r"""Streams documents: one sentence per line, blank lines between them.

    A file without blank lines is **one** document. It is held in memory as a
    whole, and has no sentence pairs, which need a second document.

    Args:
        path: The file, plain or compressed.

    Returns:
        A generator of lists of sentences, none of them empty.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file has no text, or bytes that are not UTF-8.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "corpus.txt")
        >>> _ = path.write_text("A one.\nA two.\n\nB one.\n")
        >>> list(read_documents(path))
        [['A one.', 'A two.'], ['B one.']]
    """
    found = False
    lines = (line.strip() for _, line in numbered_lines(path))
    for document in blank_line_documents(lines):
        found = True
        yield document
    if not found:
        raise empty_file(path)


def label_ids(labels: Sequence[str], label_set: Sequence[str]) -> list[int]:
    """Looks up the ids of labels: their indices in `label_set`.

    Args:
        labels: The labels, or the tags of one sentence.
        label_set: All labels that may occur, in the order of their ids.

    Returns:
        One id per label.

    Raises:
        ValueError: A label is not in the set.

    Example:
        >>> label_ids(["O", "B-PER", "O"], ["O", "B-PER", "I-PER"])
        [0, 1, 0]
    """
    ids = {label: index for index, label in enumerate(label_set)}
    for position, label in enumerate(labels):
        if label not in ids:
            raise ValueError(
                "`labels` must hold only labels of `label_set`. Correct the "
                "data or add the label to the set. "
                f"Received: {label!r} at position {position}, "
                f"label_set={tuple(label_set)}"
            )
    return [ids[label] for label in labels]
