"""Files that are whole or not there."""

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A disk without room, a quota or a limit of the size of a file that is reached.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yields a temporary name beside `path`, renamed if all goes well.

    It ends as `path` does, at which some writers look. Who may read the file
    is as the umask says, whatever the writer makes of it.

    Raises:
        OSError: It cannot be written; a full disk's error names `path`.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode & 0o777
        yield temporary
        # Some writers leave a file to its owner alone.
        if temporary.stat().st_mode & 0o777 != mode:
            temporary.chmod(mode)
        # On the disk before it has its name, whatever happens to the power.
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        name_full_disk(error, path)
        raise


def name_full_disk(error: BaseException, path: Path) -> None:
    """Makes the error of a full disk say which file could not be written."""
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        error.filename = str(path)


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """`name_full_disk` for what the block writes to a file that grows."""
    try:
        yield
    except OSError as error:
        name_full_disk(error, path)
        raise


def left_over_files(folder: Path, name: str | None = None) -> list[Path]:
    """The temporary files in a folder, of `whole_file`s that were killed.

    Files of a process that is still alive look the same.

    Args:
        folder: Where to look; what lies deeper is left.
        name: The file whose temporary files they are; `None`: of any file.
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
    """Writes a UTF-8 file under a temporary name beside it, then rename it."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
