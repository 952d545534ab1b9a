"""Checks that a file to read is there."""

from pathlib import Path


def check_file(path: Path, argument: str = "path", instead: str = "") -> None:
    """Refuses a path of no file, and says so if it is a folder.

    Args:
        path: The file to read.
        argument: The caller's argument.
        instead: What to do with a folder.

    Raises:
        FileNotFoundError: There is no such file.

    Example:
        >>> check_file(Path("."))
        Traceback (most recent call last):
        FileNotFoundError: `path` must name a file. Received: path='.', a folder
    """
    if path.is_file():
        return
    if path.is_dir():
        raise FileNotFoundError(
            f"`{argument}` must name a file. Received: {argument}="
            f"{str(path)!r}, a folder{instead}"
        )
    raise FileNotFoundError(
        f"`{argument}` must name a file that exists. Check the spelling and "
        f"the working directory. Received: {argument}={str(path)!r}"
    )
