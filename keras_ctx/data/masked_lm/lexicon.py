"""Units of a lexicon, found in texts by the longest match."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class Lexicon:
    """Finds units of several tokens by the longest match from left to right.

    At each token, the longest entry that begins there is a unit, and the
    search continues behind it. A token with which no entry begins is a unit by
    itself.

    Args:
        entries: The tokens of each unit.

    Example:
        >>> lexicon = Lexicon(["北京", "北京大学", "大学生"])
        >>> lexicon.unit_numbers("在北京大学生活").tolist()
        [0, 1, 1, 1, 1, 2, 3]
    """

    def __init__(self, entries: Iterable[Sequence[Any]]) -> None:
        self._entries = {tuple(entry) for entry in entries if len(entry) > 1}
        sizes = defaultdict(set)
        for entry in self._entries:
            sizes[entry[0]].add(len(entry))
        # From the longest entry that begins with a token to the shortest.
        self._sizes = {
            token: sorted(found, reverse=True) for token, found in sizes.items()
        }

    def __len__(self) -> int:
        """Counts the distinct entries of two tokens or more."""
        return len(self._entries)

    def unit_numbers(self, tokens: Sequence[Any]) -> np.ndarray:
        """Returns the number of each token's unit, from 0, int32 `(N,)`."""
        tokens = tuple(tokens)
        sizes, place = [], 0
        while place < len(tokens):
            sizes.append(self._longest(tokens, place))
            place += sizes[-1]
        return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)

    def _longest(self, tokens: tuple[Any, ...], place: int) -> int:
        for size in self._sizes.get(tokens[place], ()):
            found = tokens[place : place + size]  # shorter at the end
            if found in self._entries:
                return len(found)
        return 1
