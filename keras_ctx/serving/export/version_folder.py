"""Writes a new version of an exported model, completely or not at all."""

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
    """Yields a folder to write in, and a function that publishes it.

    The folder is in `path`, hence on the same file system. Its name is not a
    number, so servers ignore it. `publish()` renames it atomically to `number`
    or the next free one, and returns the new path. Without `publish()`, for
    example after an error, the folder is removed; after a crash, the next
    `new_version` on the same machine removes it.

    Raises:
        FileExistsError: Version `number` exists, now or at publication.
        OSError: `path` cannot be created or written to.
    """
    # `0001` also takes the number 1: a server would no longer serve it.
    if number is not None and number in taken_numbers(path):
        raise _exists(path / str(number))
    try:
        path.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        folder, lock = _locked_folder(path)
    except OSError as error:
        raise OSError(
            error.errno,
            "`path` must be a folder, new or existing, that "
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
    """Explains an error of the disk for the version in `path`.

    Raises:
        OSError: The files of the block could not be written to disk.
    """
    # TensorFlow wraps errors of the system in its own types.
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
    """Waits until all files and their names are on disk."""
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked_folder(path: Path) -> tuple[Path, int]:
    # The lock shows that its writer is alive: the system releases it when the
    # process ends, for any reason.
    while True:
        folder = path / f"{PREFIX}{platform.node()}-{uuid.uuid4().hex}"
        folder.mkdir()
        # Before it is locked, another export may remove the folder as a
        # leftover; then try again.
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.is_dir():
                return folder, lock
            os.close(lock)


def _remove_leftovers(path: Path) -> None:
    for folder in path.glob(f"{PREFIX}*"):
        # On a shared disk, locks of another machine may be invisible here.
        if not folder.name.startswith(f"{PREFIX}{platform.node()}-"):
            continue
        # Ignore a folder that vanishes or may not be removed.
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)


def _publish(folder: Path, path: Path, number: int | None) -> Path:
    # The version must be complete even after a power cut.
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
            # Another export was faster: take the next number.
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
