"""Reads two files whose lines are translations of each other."""

import itertools
from pathlib import Path
from typing import NamedTuple

from keras_ctx.data.readers.lines import is_blank, numbered_lines


class ParallelTexts(NamedTuple):
    """Pairs of texts, and the number of pairs that were left out.

    Example:
        >>> ParallelTexts(["a"], ["b"], 0).num_blank
        0
    """

    sources: list[str]
    targets: list[str]
    num_blank: int
    """Pairs of which one text is blank or both are."""


def read_parallel(source: str | Path, target: str | Path) -> ParallelTexts:
    r"""Reads the pairs of two files, line by line.

    Args:
        source: A text in UTF-8, may be compressed.
        target: The translations, one for each line.

    Returns:
        The pairs, without those of blank texts, and the number of these.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: The files have unequal numbers of lines, are not UTF-8, or
            hold no pair.

    Example:
        >>> _ = Path("a.en").write_text("one\n\ntwo\n")
        >>> _ = Path("a.de").write_text("eins\n\nzwei\n")
        >>> read_parallel("a.en", "a.de")
        ParallelTexts(sources=['one', 'two'], targets=['eins', ...)
    """
    sources, targets, blank = [], [], 0
    both = itertools.zip_longest(numbered_lines(source), numbered_lines(target))
    for number, (one, other) in enumerate(both, 1):
        if one is None or other is None:
            ended, longer = (
                (source, target) if one is None else (target, source)
            )
            total = number + sum(1 for _ in both)
            _, line = one or other or (number, "")
            raise ValueError(
                f"{source} and {target} must have the same number of lines. "
                f"Received: {longer} has {total} and {ended} ends before line "
                f"{number}: {line[:60]!r}"
            )
        if is_blank(one[1]) or is_blank(other[1]):
            blank += 1
        else:
            sources.append(one[1])
            targets.append(other[1])
    if not sources:
        raise ValueError(
            f"{source} and {target} must hold pairs of texts. Received: none"
        )
    return ParallelTexts(sources, targets, blank)
