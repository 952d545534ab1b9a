"""One writer at a time: the lock of what a run writes."""

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

LOCK = ".lock"
# What a file system says that has no locks.
_NO_LOCKS = {
    *(errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP),
    *(errno.EOPNOTSUPP, errno.EINVAL),
}


@contextlib.contextmanager
def output_lock(output: str | Path, *, is_file: bool = False) -> Iterator[None]:
    """Hold the lock of an output; a second run is refused.

    The lock is one of the system (`flock`) on a hidden file, `.lock` in a
    folder and `.NAME.lock` beside a file. The system releases it when the
    process ends, however it ends, so a killed run leaves none behind. The
    hidden file is removed at the end, and so is a folder that was made for it
    and is still empty.

    A file system without locks is no hindrance: the run says that nothing
    keeps a second one away, and continues.

    Args:
        output: The folder, or the file.
        is_file: Whether it is a file.

    Raises:
        ValueError: Another run has it: which process, where, since when; or
            it cannot be written.

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
    path = lock_path(output, is_file)
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(path, output)
    except OSError as error:
        raise ValueError(
            "`output` must be a place that can be written. Give another. "
            f"Received: output={str(output)!r}: {error}"
        ) from error
    try:
        yield
    finally:
        if _is_at(descriptor, path):
            path.unlink()
        os.close(descriptor)
        with contextlib.suppress(OSError):  # those that are not empty stay
            for folder in made:
                folder.rmdir()


def lock_path(output: Path, is_file: bool = False) -> Path:
    """The hidden file whose lock is that of `output`."""
    return (
        output.with_name(f".{output.name}{LOCK}") if is_file else output / LOCK
    )


def move_lock(there: Path, folder: Path) -> None:
    """Take the lock along when the folder of a run was renamed to `there`.

    `folder` is made anew, with the lock in it.

    Raises:
        ValueError: Another run has begun in `folder` meanwhile.
    """
    if not (there / LOCK).exists():
        return
    # Under another name first, so that `folder` is never there without it.
    aside = folder.with_name(f".{uuid.uuid4().hex}.{folder.name}")
    aside.mkdir()
    (there / LOCK).rename(aside / LOCK)
    try:
        aside.rename(folder)
    except OSError as error:
        (aside / LOCK).unlink()
        aside.rmdir()
        raise _in_use(folder, folder / LOCK) from error


def _locked(path: Path, output: Path) -> int:
    while True:
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
            print(
                f"{output}: the file system has no locks ({error.strerror}). "
                "Start no second run with this output.",
                file=sys.stderr,
            )
        # Between the two calls its last holder may have removed it.
        if _is_at(descriptor, path):
            break
        os.close(descriptor)
    since = time.strftime("%Y-%m-%d %H:%M:%S %z")
    text = f"process {os.getpid()} on {platform.node()} since {since}\n"
    with contextlib.suppress(OSError):  # a full disk: it is locked, even so
        os.ftruncate(descriptor, 0)
        os.write(descriptor, text.encode())
    return descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _in_use(output: Path, path: Path) -> ValueError:
    try:
        who = path.read_text("utf-8", errors="replace").strip()
    except OSError:  # it has just ended
        who = ""
    return ValueError(
        "`output` must be written by one run at a time. It is being written "
        f"by {who or 'another process'}. Wait until that run has ended, or "
        f"give another `output`. Received: output={str(output)!r}"
    )
