"""Locks the output of a run, so that one run at a time writes it."""

import contextlib
import errno
import fcntl
import os
import platform
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from keras_ctx.files.whole_file import left_over_files

LOCK = ".lock"
# Errors of a file system without locks.
_NO_LOCKS = {
    *(errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP),
    *(errno.EOPNOTSUPP, errno.EINVAL),
}


@contextlib.contextmanager
def output_lock(output: str | Path, *, is_file: bool = False) -> Iterator[None]:
    """Holds the lock of an output; a second run is refused.

    The lock is a system lock (`flock`) on a hidden file: `.lock` in a folder,
    `.NAME.lock` beside a file. The system releases it when the process ends,
    so a killed run leaves no lock behind. The hidden file is removed at the
    end, and so is a folder that was created for it and is still empty.

    Once it has the lock, it removes temporary files that killed runs have
    left in the folder, or of the file.

    On a file system without locks it prints a warning that nothing prevents a
    second run, and continues.

    Args:
        output: The folder, or the file.
        is_file: Whether it is a file.

    Raises:
        ValueError: Another run holds the lock; the message says which
            process, on which machine and since when. Or the output cannot be
            written.

    Example:
        >>> with output_lock("runs/locked"):
        ...     with output_lock("runs/locked"):
        ...         pass
        Traceback (most recent call last):
        ValueError: `output` must be written by one run at a time. ...
        >>> Path("runs/locked").exists()
        False
    """
    output = Path(output)
    if is_file and os.path.isdir(output):
        raise ValueError(
            "`output` must name a file. Received: a folder, "
            f"output={str(output)!r}"
        )
    path = lock_path(output, is_file)
    made = [x for x in path.parents if not os.path.exists(x)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, is_alone = _locked(path, output)
        if is_alone:
            _remove_left_over(path.parent, output.name if is_file else None)
    except OSError as error:
        for there in path.parents:
            if os.path.exists(there) and not os.path.isdir(there):
                within = "in " if is_file else ""
                raise ValueError(
                    f"`output` must be {within}a folder, or {within}a new "
                    f"one. {there} is a file. Give another `output`. "
                    f"Received: output={str(output)!r}"
                ) from error
        raise ValueError(
            "`output` must be a path that can be written. Give another one. "
            f"Received: output={str(output)!r}: {error}"
        ) from error
    try:
        yield
    finally:
        if _is_at(descriptor, path):
            path.unlink()
        os.close(descriptor)
        with contextlib.suppress(OSError):  # a folder that is not empty stays
            for folder in made:
                folder.rmdir()


def lock_path(output: Path, is_file: bool = False) -> Path:
    """Returns the hidden file that is locked for `output`."""
    return (
        output.with_name(f".{output.name}{LOCK}") if is_file else output / LOCK
    )


def move_lock(there: Path, folder: Path) -> None:
    """Moves the lock back when the folder of a run was renamed to `there`.

    `folder` is created again, with the lock in it.

    Raises:
        ValueError: Another run has started in `folder` meanwhile.
    """
    if not (there / LOCK).exists():
        return
    # Under another name first, so that `folder` never exists without a lock.
    aside = folder.with_name(f".{uuid.uuid4().hex}.{folder.name}")
    aside.mkdir()
    (there / LOCK).rename(aside / LOCK)
    try:
        aside.rename(folder)
    except OSError as error:
        (aside / LOCK).unlink()
        aside.rmdir()
        raise _in_use(folder, folder / LOCK) from error


def _remove_left_over(folder: Path, name: str | None) -> None:
    for path in left_over_files(folder, name):
        # A run that writes a single file into the folder has its own lock.
        if name is not None or not _is_locked(
            lock_path(folder / path.name[34:], is_file=True)
        ):
            path.unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


def _locked(path: Path, output: Path) -> tuple[int, bool]:
    """Returns the lock's descriptor, and whether the file system has locks."""
    while True:
        is_alone = True
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise _in_use(output, path) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                os.close(descriptor)
                raise
            is_alone = False
            print(
                f"{output}: the file system has no locks ({error.strerror}). "
                "Do not start a second run with this output.",
                file=sys.stderr,
            )
        # Between the two calls another run may have removed the file.
        if _is_at(descriptor, path):
            break
        os.close(descriptor)
    since = time.strftime("%Y-%m-%d %H:%M:%S %z")
    text = f"process {os.getpid()} on {platform.node()} since {since}\n"
    with contextlib.suppress(OSError):  # a full disk: the lock holds anyway
        os.ftruncate(descriptor, 0)
        os.write(descriptor, text.encode())
    return descriptor, is_alone


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _in_use(output: Path, path: Path) -> ValueError:
    try:
        who = path.read_text("utf-8", errors="replace").strip()
    except OSError:  # the other run has just ended
        who = ""
    return ValueError(
        "`output` must be written by one run at a time. It is being written "
        f"by {who or 'another process'}. Wait until that run has ended, or "
        f"give another `output`. Received: output={str(output)!r}"
    )
