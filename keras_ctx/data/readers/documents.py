"""Documents from raw text files of any size, with any bytes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from keras_ctx.data.readers.lines import (
    blank_line_documents,
    is_no_text,
    raw_lines,
)

# About half of a text in GB18030 is unreadable; of one in Latin-1, 5 %.
_MOST_UNREADABLE = 0.15
_FEW = 15
_LOOKED_AT = 1000


def raw_documents(
    path: str | Path,
    layout: Literal["blank_line", "file"] = "blank_line",
    counts: Counter | None = None,
) -> Iterator[list[str]]:
    r"""Streams the documents of one file, which has one sentence per line.

    Bytes that are not UTF-8 become U+FFFD and are counted, so they do not stop
    a pass over a large corpus. A file in another encoding is refused: more
    than 15 % of its characters, in its first 1,000 lines or in all, are not
    UTF-8.

    Args:
        path: The file, plain or compressed.
        layout: What ends a document: a blank line, or the end of the file.
        counts: A counter that gets `sentences` and `unreadable_characters`.

    Yields:
        Documents, as lists of sentences without surrounding blanks. No list
        and no sentence is empty.

    Raises:
        ValueError: A compressed file is damaged; a file is not a text (an
            archive, a PDF, UTF-16) or is in another encoding; or the layout is
            unknown.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "corpus.txt")
        >>> _ = path.write_bytes(b"A one.\nA \xff two.\n\nB one.\n")
        >>> counts = Counter()
        >>> list(raw_documents(path, counts=counts))
        [['A one.', 'A \ufffd two.'], ['B one.']]
        >>> counts["unreadable_characters"]
        1
    """
    if layout not in ("blank_line", "file"):
        raise ValueError(
            '`layout` must be "blank_line" or "file". '
            f"Received: layout={layout!r}"
        )
    lines = _lines(path, Counter() if counts is None else counts)
    if layout == "blank_line":
        yield from blank_line_documents(lines)
    elif document := [line for line in lines if line]:
        yield document


def _lines(path: str | Path, counts: Counter) -> Iterator[str]:
    """Yields lines without surrounding blanks, and adds to `counts`."""
    characters = unreadable = 0
    for number, raw in raw_lines(path, old_mac=True):
        line = raw.decode("utf-8", "replace")
        if number == 1:
            if what := is_no_text(raw):
                raise ValueError(f"{path}: not a text in UTF-8.{what}")
            line = line.removeprefix("\ufeff")
        if "\ufffd" in line:
            # The file itself may hold some U+FFFD.
            before = raw.count("\ufffd".encode())
            counts["unreadable_characters"] += line.count("\ufffd") - before
            unreadable += line.count("\ufffd") - before
        characters += len(line)
        if number == _LOOKED_AT:
            _check_encoding(path, unreadable, characters)
        line = line.strip()
        counts["sentences"] += bool(line)
        yield line
    _check_encoding(path, unreadable, characters)


def _check_encoding(path: str | Path, unreadable: int, characters: int) -> None:
    """Refuses a text in another encoding, of which much would be lost."""
    if unreadable > max(_FEW, _MOST_UNREADABLE * characters):
        raise ValueError(
            f"{path}: the text must be UTF-8. Convert it: `iconv -f GB18030 -t "
            "UTF-8 FILE > NEW` (or `-f BIG5`, `-f WINDOWS-1251`). Received: "
            f"{unreadable:,} of {characters:,} characters that cannot be read"
        )
