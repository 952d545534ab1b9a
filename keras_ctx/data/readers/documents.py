"""Raw text files of any size to documents, whatever their bytes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from keras_ctx.data.readers.lines import (
    blank_line_documents,
    is_no_text,
    raw_lines,
)

# Of a text in GB18030 about half; of one in Latin-1, with some accents, 5 %.
_MOST_UNREADABLE = 0.15
_FEW = 15
_LOOKED_AT = 1000


def raw_documents(
    path: str | Path,
    layout: Literal["blank_line", "file"] = "blank_line",
    counts: Counter | None = None,
) -> Iterator[list[str]]:
    r"""Stream the documents of one file: one sentence a line.

    Bytes that are not UTF-8 become U+FFFD and are counted; nothing stops a
    pass over a corpus of many gigabytes but a file that cannot be read, or
    one in another encoding: more than 15 % of its first 1,000 lines, or of
    all of it, would be lost.

    Args:
        path: The file, plain or compressed.
        layout: What ends a document: a blank line, or the end of the file.
        counts: Where `sentences` and `unreadable_characters` are added up.

    Yields:
        Documents, lists of sentences without blanks at their ends. None is
        empty.

    Raises:
        ValueError: A compressed file that is damaged, a file that is no text
            (an archive, a PDF, UTF-16) or in another encoding, or an unknown
            layout.

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
    """Lines without blanks at their ends; counts what it sees."""
    characters = unreadable = 0
    for number, raw in raw_lines(path, old_mac=True):
        line = raw.decode("utf-8", "replace")
        if number == 1:
            if what := is_no_text(raw):
                raise ValueError(f"{path}: no text in UTF-8.{what}")
            line = line.removeprefix("\ufeff")
        if "\ufffd" in line:
            # Some may have stood there before.
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
    """Refuse a text of another encoding: nearly all of it would be lost."""
    if unreadable > max(_FEW, _MOST_UNREADABLE * characters):
        raise ValueError(
            f"{path}: the text must be UTF-8. Convert it: `iconv -f GB18030 -t "
            "UTF-8 FILE > NEW` (or `-f BIG5`, `-f WINDOWS-1251`). Received: "
            f"{unreadable:,} of {characters:,} characters that cannot be read"
        )
