"""Names of files that stand in other files."""

from typing import Any


def is_file_name(name: Any) -> bool:
    r"""Whether a name is that of a file beside the one it was read from.

    A path would let a file from a stranger read others of the machine. What
    the file is linked to does not count: caches of downloads hold links.

    Args:
        name: Any value of a JSON file.

    Returns:
        True for a string that names neither a folder nor a way to one.

    Example:
        >>> [is_file_name(x) for x in ("a.txt", "../a", "/a", "a\\b", "..", 1)]
        [True, False, False, False, False, False]
    """
    return (
        isinstance(name, str)
        and name not in ("", ".", "..")
        and not set("/\\\0") & set(name)
    )
