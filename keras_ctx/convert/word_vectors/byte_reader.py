"""Reads a stream of bytes, and says where a file is cut."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from keras_ctx.files.existing_file import check_file

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Opens a file, also a gzip file, judged by its first bytes.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A gzip file is cut or damaged.
    """
    check_file(path)
    with path.open("rb") as file:
        if not is_gzip(path):
            yield file
            return
        try:
            # gzip's own reader, since the caller wants lines and pieces.
            stream: Any = gzip.GzipFile(fileobj=file, mode="rb")
            with stream:
                yield stream
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{path}: the gzip file must be whole. Get it from its "
                f"publisher again. Received: {error}"
            ) from error


def is_gzip(path: Path) -> bool:
    """Returns whether a file begins like a gzip file."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


class ByteReader:
    """A stream that is read in pieces of known size, or up to a mark.

    Args:
        stream: The stream.
        path: Its file, for the messages.
    """

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._buffer = b""
        self._start = 0

    def exact(self, size: int, what: str) -> bytes:
        """Returns the next `size` bytes.

        Args:
            size: Number of bytes.
            what: What they are, for the message.

        Raises:
            ValueError: There are fewer.
        """
        self._fill(size)
        found = self._buffer[self._start : self._start + size]
        if len(found) < size:
            raise ValueError(
                f"{self._path}: the file must not end inside of {what}. It was "
                "cut, or its header is wrong; get it from its publisher "
                f"again. Received: {len(found):,} of {size:,} bytes"
            )
        self._start += size
        return found

    def until(self, mark: bytes, most: int, what: str) -> bytes:
        """Returns the bytes before a mark, which is read, too.

        Args:
            mark: One byte.
            most: Most bytes before it.
            what: What they are, for the message.

        Raises:
            ValueError: There is no mark.
        """
        end = self._buffer.find(mark, self._start)
        if end < 0:
            self._fill(most + 1)
            end = self._buffer.find(mark, self._start, self._start + most + 1)
        found = self._buffer[self._start : end if end >= 0 else None]
        if end < 0:
            raise ValueError(
                f"{self._path}: {what} must end with {mark!r}, after at most "
                f"{most:,} bytes. The file was cut, or its header is wrong; "
                "get it from its publisher again. Received: "
                f"{found[:40]!r}{'...' * (len(found) > 40)}"
            )
        self._start = end + 1
        return found

    def rest(self, most: int) -> bytes:
        """Returns what is left, at most `most` bytes."""
        self._fill(most)
        return self._buffer[self._start : self._start + most]

    def _fill(self, size: int) -> None:
        """Reads on until there are `size` bytes, or to the end."""
        missing = size - (len(self._buffer) - self._start)
        if missing > 0:
            parts = [self._buffer[self._start :]]
            while missing > 0:
                part = self._stream.read(max(missing, _CHUNK))
                if not part:
                    break
                parts.append(part)
                missing -= len(part)
            self._buffer, self._start = b"".join(parts), 0
