"""A new version of an exported model: all of it, or nothing."""

import contextlib
import errno
import fcntl
import os
import platform
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import tensorflow as tf

from keras_ctx.serving.verify.raw_answers import taken_numbers

PREFIX = ".unfinished-"


@contextlib.contextmanager
def new_version(
    path: Path, number: int | None = None
) -> Iterator[tuple[Path, Callable[[], Path]]]:
    """A folder to write in, and a function that publishes it.

    The folder lies in `path`, hence on the same file system, and its name is
    no number, so no server looks at it. `publish()` renames it, in one step,
    to `number`, or else to the next one, and returns the new path. Left
    without `publish()`, by an error for instance, the folder is removed; after
    a crash, the next `new_version` on the same machine removes it.

    Raises:
        FileExistsError: there is a version `number`, now or when it is to be
            published.
        OSError: `path` cannot be made or written to.
    """
    # `1` is taken by `0001`, too, which a server would serve no more.
    if number is not None and number in taken_numbers(path):
        raise _exists(path / str(number))
    try:
        path.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        folder, lock = _locked_folder(path)
    except OSError as error:
        raise OSError(
            error.errno,
            "`path` must be a folder, or a place where one can be made, that "
            f"can be written to ({error.strerror}). Received",
            str(path),
        ) from error

    try:
        yield folder, lambda: _publish(folder, path, number)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextlib.contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Says what a full or broken disk means for the version in `path`.

    Raises:
        OSError: what the block wrote did not reach the disk.
    """
    # TensorFlow has names of its own for what the system says.
    refused = (
        tf.errors.ResourceExhaustedError,
        tf.errors.PermissionDeniedError,
        tf.errors.UnavailableError,
        tf.errors.DataLossError,
    )
    try:
        yield
    except (OSError, *refused) as error:
        is_full = isinstance(error, tf.errors.ResourceExhaustedError)
        number = errno.ENOSPC if is_full else errno.EIO
        raise OSError(
            getattr(error, "errno", number),
            "The version could not be written, and nothing was published; "
            f"make room, or name another `path` ({error}). Received",
            str(path),
        ) from error


def _to_disk(folder: Path) -> None:
    """Waits until all files have reached the disk, and their names."""
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked_folder(path: Path) -> tuple[Path, int]:
    # The lock says that its writer is alive: the system lifts it when the
    # process ends, however it ends.
    while True:
        folder = path / f"{PREFIX}{platform.node()}-{uuid.uuid4().hex}"
        folder.mkdir()
        # Until it is locked, another export may take the folder for a
        # leftover and remove it; then there is another try.
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.is_dir():
                return folder, lock
            os.close(lock)


def _remove_leftovers(path: Path) -> None:
    for folder in path.glob(f"{PREFIX}*"):
        # A lock of another machine may not be seen here, on a shared disk.
        if not folder.name.startswith(f"{PREFIX}{platform.node()}-"):
            continue
        # One that vanishes or may not be removed is not ours to care about.
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)


def _publish(folder: Path, path: Path, number: int | None) -> Path:
    # A version that a power cut leaves must be whole, too.
    _to_disk(folder)
    taken = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
    while True:
        next_number = max(taken_numbers(path), default=0) + 1
        version = path / str(next_number if number is None else number)
        try:
            os.rename(folder, version)
        except OSError as error:
            if error.errno not in taken:
                raise
            if number is not None:
                raise _exists(version) from error
            # Another export was faster: the number after its.
        else:
            _sync(path)
            return version


def _exists(version: Path) -> FileExistsError:
    return FileExistsError(
        errno.EEXIST,
        "`version` must be a number that is not taken; a version is never "
        "overwritten. Received",
        str(version),
    )
