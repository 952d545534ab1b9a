"""Compressed files by the endings of their names."""

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
"""Of a compressed file's name: how it is compressed."""
ENDINGS_SAID = "`.gz`, `.bz2`, `.xz` or `.zst`"


def compressed_ending(path: str | Path) -> str:
    """The ending that says how a file is compressed; "" for a plain one."""
    ending = Path(path).suffix.lower()
    return ending if ending in ENDINGS else ""


def plain_name(path: str | Path) -> str:
    """A file's name without the ending of its compression.

    >>> plain_name("news/tweets.csv.xz"), plain_name("tweets.csv")
    ('tweets.csv', 'tweets.csv')
    """
    return Path(path).name.removesuffix(
        Path(path).suffix if compressed_ending(path) else ""
    )


def open_file(
    path: str | Path, mode: str = "rb", ending: str | None = None, **text: Any
) -> IO[Any]:
    """Open a file, plain or compressed.

    Args:
        path: The file.
        mode: As of `open`, with "b" or "t".
        ending: How it is compressed; `None`: as its name says.
        **text: `encoding` and the like, in a mode with "t".

    Raises:
        ImportError: The file ends in `.zst`, and what reads it is not
            installed.
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
    """Turns what a damaged stream raises into an error that tells it.

    Args:
        path: The file that is read in the block.
        place: Where, as the error says it; `None`: the file.

    Raises:
        ValueError: The compressed content is damaged, or ends too early.
    """
    ending = compressed_ending(path)
    try:
        yield
    except Exception as error:
        # `bz2` and Zstandard raise what has no class of its own in the
        # standard library; an OSError of the disk has a number.
        damaged = isinstance(
            error, (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)
        ) or (
            type(error).__name__ == "ZstdError"
            or (type(error) is OSError and error.errno is None)
        )
        if not ending or not damaged:
            raise
        raise ValueError(
            f"{place or path}: the name ends in {ending}, and the content is "
            f"no complete {ENDINGS[ending]} stream ({error}). Get the file "
            "again, or give a plain file a plain name."
        ) from error


def _zstandard(path: str | Path) -> ModuleType:
    # The first is in the standard library from Python 3.14 on.
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
