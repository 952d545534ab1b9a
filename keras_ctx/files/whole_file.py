"""Writes files whole or not at all."""

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A full disk, an exceeded quota, or the limit of the size of a file.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, renamed to it after the block.

    It has the ending of `path`, which some writers check. The permissions of
    the file follow the umask, whatever the writer sets.

    Raises:
        OSError: The file cannot be written; the error of a full disk names
            `path`.
    """
    path = Path(path)
    if path.is_dir():
        said = "A folder cannot be replaced by a file"
        raise IsADirectoryError(errno.EISDIR, said, str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, "No such folder", str(path.parent)
        )
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode & 0o777
        yield temporary
        # Some writers let only the owner read a file.
        if temporary.stat().st_mode & 0o777 != mode:
            temporary.chmod(mode)
        # The data must be on the disk before the rename, if power fails.
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        name_full_disk(error, path)
        raise


def name_full_disk(error: BaseException, path: Path) -> None:
    """Adds the path of the file to the error of a full disk."""
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        error.filename = str(path)


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Applies `name_full_disk` to errors of a block that appends to a file."""
    try:
        yield
    except OSError as error:
        name_full_disk(error, path)
        raise


def left_over_files(folder: Path, name: str | None = None) -> list[Path]:
    """Returns the temporary files that killed `whole_file`s left in a folder.

    Files of a process that is still running look the same.

    Args:
        folder: The folder to search, without its subfolders.
        name: The file whose temporary files to return; `None`: of any file.
    """
    end = ".+" if name is None else re.escape(name)
    return [
        path
        for path in folder.iterdir()
        if re.fullmatch(rf"\.[0-9a-f]{{32}}\.{end}", path.name)
        and path.is_file()
        and not path.is_symlink()
    ]


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 file under a temporary name beside it, then renames it."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
