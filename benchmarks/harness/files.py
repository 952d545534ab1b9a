"""Writes results, so that a killed run leaves whole files."""

from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file completely before it replaces an earlier one.

    Args:
        path: The file; its folder is made.
        write: Writes to the path that it is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beginning = path.with_suffix(f"{path.suffix}.part")
    write(beginning)
    beginning.replace(path)


def write_text(path: Path, text: str) -> None:
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
