"""HDF5 files that end with an error, not with the process, on a full disk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py


@contextmanager
def new_hdf5(
    path: str | Path,
) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Writes a new HDF5 file, and learn where a write has failed.

    Where a write fails, on a full disk say, HDF5 tries again when it closes
    the file, and ends the process by a signal. Here the first failure is
    raised, at the end of the block or sooner, by the function.

    Args:
        path: The file.

    Yields:
        The file, and a function that raises the failure, if there was one.

    Raises:
        OSError: At the end: the file could not be written. It is not whole.

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
            sure.check()  # rather than what HDF5 made of it
            raise
        sure.check()


class _SureFile:
    """A file whose failures HDF5 does not see.

    It keeps the first one and takes everything after it for done.
    """

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._failure: OSError | None = None
        self.read = file.read  # by which h5py knows a file
        self.seek = file.seek
        self.tell = file.tell
        self.readinto = file.readinto  # type: ignore[attr-defined]

    def write(self, content) -> int:
        return self._tried(self._write_all, content, len(content))

    def truncate(self, size: int | None = None) -> int:
        return self._tried(self._file.truncate, size, size or 0)

    def flush(self) -> None:
        """Nothing waits: the file has no buffer."""

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write_all(self, content) -> int:
        left = memoryview(content).cast("B")
        while left:  # a disk that fills takes a part, without an error
            left = left[self._file.write(left) :]
        return len(content)

    def _tried(self, call: Callable, argument: Any, done: int) -> int:
        if self._failure is None:
            try:
                return call(argument)
            except OSError as error:
                self._failure = error
        return done
