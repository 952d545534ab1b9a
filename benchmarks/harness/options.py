"""Refuses options before anything is measured."""

import os
from collections.abc import Collection
from pathlib import Path


def check_names(option: str, names: Collection[str], known: Collection[str]):
    """Refuses no names, and names that are unknown.

    Raises:
        ValueError: See above.
    """
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        raise ValueError(
            f"`{option}` must be names of {', '.join(known)}. Correct the "
            "spelling, or leave the option out for all. "
            f"Received: {unknown or 'none'}"
        )


def check_counts(**counts: int) -> None:
    """Refuses numbers below 1.

    Raises:
        ValueError: See above.
    """
    for name, count in counts.items():
        if count < 1:
            raise ValueError(
                f"`{name}` must be at least 1. Received: {name}={count}"
            )


def check_page(output: Path) -> None:
    """Refuses a page that cannot be written, or that its files would replace.

    Raises:
        ValueError: See above.
    """
    if output.suffix != ".md":
        raise ValueError(
            "`output` must be a page whose name ends with .md; files with "
            f"other endings are written beside it. Received: {output}"
        )
    parent = output.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if output.is_dir() or not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ValueError(
            "`output` must be a file in a folder that can be written. "
            f"Received: {output}"
        )
