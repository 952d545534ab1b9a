"""Checks file names that are read from other files."""

from typing import Any


def is_file_name(name: Any) -> bool:
    r"""Returns whether a value is a plain file name, without a folder.

    A path would let a file from a stranger read any other file of the
    machine. Links are not followed: download caches contain links.

    Args:
        name: Any value of a JSON file.

    Returns:
        True for a string that contains no folder.

    Example:
        >>> [is_file_name(x) for x in ("a.txt", "../a", "/a", "a\\b", "..", 1)]
        [True, False, False, False, False, False]
    """
    return (
        isinstance(name, str)
        and name not in ("", ".", "..")
        and not set("/\\\0") & set(name)
    )
