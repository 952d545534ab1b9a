"""Compressed files, recognized by the endings of their names."""

import bz2
import gzip
import importlib
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any

ENDINGS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "Zstandard"}
"""The compression by the ending of a file's name."""
ENDINGS_SAID = "`.gz`, `.bz2`, `.xz` or `.zst`"


def compressed_ending(path: str | Path) -> str:
    """Returns the ending of a compressed file's name; "" for a plain file."""
    ending = Path(path).suffix.lower()
    return ending if ending in ENDINGS else ""


def plain_name(path: str | Path) -> str:
    """Returns a file's name without the ending of its compression.

    >>> plain_name("news/tweets.csv.xz"), plain_name("tweets.csv")
    ('tweets.csv', 'tweets.csv')
    """
    return Path(path).name.removesuffix(
        Path(path).suffix if compressed_ending(path) else ""
    )


def open_file(
    path: str | Path, mode: str = "rb", ending: str | None = None, **text: Any
) -> IO[Any]:
    """Opens a file, plain or compressed.

    Args:
        path: The file.
        mode: The mode, as in `open`, with "b" or "t".
        ending: The ending of its compression. `None` uses the file's name.
        **text: Arguments such as `encoding`, for a mode with "t".

    Raises:
        ImportError: The file ends in `.zst`, and the package that reads it
            is not installed.
    """
    if ending is None:
        ending = compressed_ending(path)
    opened = {
        "": open,
        ".gz": gzip.open,
        ".bz2": bz2.open,
        ".xz": lzma.open,
    }.get(ending) or _zstandard(path).open
    return opened(path, mode, **text)


@contextmanager
def whole_stream(path: str | Path, place: str | None = None) -> Iterator[None]:
    """Turns the exceptions of a damaged stream into a clear error.

    Args:
        path: The file that is read in the block.
        place: The position to name in the error. `None` names the file.

    Raises:
        ValueError: The compressed content is damaged, or ends too early.
    """
    ending = compressed_ending(path)
    try:
        yield
    except Exception as error:
        # `bz2` raises a plain OSError, and an OSError of the disk has a number.
        # The class of Zstandard's error may not be importable.
        damaged = isinstance(
            error, (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)
        ) or (
            type(error).__name__ == "ZstdError"
            or (type(error) is OSError and error.errno is None)
        )
        if not ending or not damaged:
            raise
        raise ValueError(
            f"{place or path}: the name ends in {ending}, but the content is "
            f"not a complete {ENDINGS[ending]} stream ({error}). Download the "
            "file again, or rename it if it is not compressed."
        ) from error


def _zstandard(path: str | Path) -> ModuleType:
    # The first is in the standard library since Python 3.14.
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(
        "A file that ends in .zst needs a package: pip install "
        "backports.zstd. Or unpack it: zstd -d FILE. "
        f"Received: {str(path)!r}"
    )
