"""Writes HDF5 files so that a full disk raises an error, not a signal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py


@contextmanager
def new_hdf5(
    path: str | Path,
) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Writes a new HDF5 file, and raises an error when a write fails.

    When a write fails, for example on a full disk, HDF5 tries again when it
    closes the file, and a signal kills the process. Here the first failure is
    raised at the end of the block, or earlier by calling the function.

    Args:
        path: The file.

    Yields:
        The file, and a function that raises the failure, if there was one.

    Raises:
        OSError: At the end: the file could not be written and is incomplete.

    Example:
        >>> with new_hdf5("numbers.h5") as (file, check):
        ...     file["numbers"] = [1, 2]
        ...     check()
        >>> h5py.File("numbers.h5")["numbers"][()].tolist()
        [1, 2]
    """
    with open(path, "w+b", buffering=0) as opened:
        sure = _SureFile(opened)
        try:
            with h5py.File(sure, "w") as file:
                yield file, sure.check
        except Exception:
            sure.check()  # rather than the error of HDF5
            raise
        sure.check()


class _SureFile:
    """A file that hides its failures from HDF5.

    It keeps the first failure, and ignores every later write.
    """

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._failure: OSError | None = None
        self.read = file.read  # h5py recognizes a file by it
        self.seek = file.seek
        self.tell = file.tell
        self.readinto = file.readinto  # type: ignore[attr-defined]

    def write(self, content) -> int:
        return self._tried(self._write_all, content, len(content))

    def truncate(self, size: int | None = None) -> int:
        return self._tried(self._file.truncate, size, size or 0)

    def flush(self) -> None:
        """Does nothing: the file has no buffer."""

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write_all(self, content) -> int:
        left = memoryview(content).cast("B")
        while left:  # a disk that becomes full writes a part, without an error
            left = left[self._file.write(left) :]
        return len(content)

    def _tried(self, call: Callable, argument: Any, done: int) -> int:
        if self._failure is None:
            try:
                return call(argument)
            except OSError as error:
                self._failure = error
        return done
