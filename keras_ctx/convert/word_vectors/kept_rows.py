"""The rows of a file of word vectors that are kept while it is read."""

import warnings
from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np

ERRORS = ("strict", "surrogateescape")
_FIRST_ROWS = 1 << 14


class KeptRows:
    """Collects the wanted words of a file and their vectors.

    Args:
        path: The file, for the messages.
        unit: What a row is called there: "line" or "row".
        width: Number D of features.
        rows: Number of rows that the file has, if known, or an estimate.
        wanted: The words to keep; `None`: all.
        most: Number of rows to keep, the first of the file; `None`: all.
        errors: "strict" or "surrogateescape", for bytes that are not UTF-8.
        memory: Most bytes of the table; `None`: what is free.
        others: Rows of the same width that are kept besides, such as n-grams.

    Raises:
        ValueError: The table needs more memory.
    """

    def __init__(
        self,
        path: Path,
        unit: str,
        width: int,
        rows: int | None,
        wanted: AbstractSet[bytes] | None,
        most: int | None,
        errors: str,
        memory: int | None,
        others: int = 0,
    ) -> None:
        self.path, self.unit, self.width = path, unit, width
        self.wanted, self.most = wanted, most
        self.words: list[str] = []
        self._errors = errors
        self._others = others
        self._memory = free_memory() if memory is None else memory
        self._numbers: dict[bytes, int] = {}
        self._repeated: list[tuple[bytes, int]] = []
        self._count = 0
        bounds = (rows, most, None if wanted is None else len(wanted))
        expected = min((x for x in bounds if x is not None), default=0)
        self._check_memory(expected)
        first = min(expected or _FIRST_ROWS, _FIRST_ROWS)
        self._table = np.empty((first, width), np.float32)

    @property
    def is_full(self) -> bool:
        """Whether the first rows that were asked for are there."""
        return self.most is not None and len(self.words) >= self.most

    def begins_with(self) -> set[bytes] | None:
        """Returns the first pieces of the wanted words; `None` for all."""
        if self.wanted is None:
            return None
        return {word.partition(b" ")[0] for word in self.wanted}

    def keeps(self, word: bytes, number: int) -> bool:
        """Returns whether the vector of a word is kept, and notes the word.

        Args:
            word: The word.
            number: The number of its line or row, from 1.

        Raises:
            ValueError: The word is empty, or no UTF-8.
        """
        if not word:
            raise ValueError(
                f"{self.path}, {self.unit} {number}: a word must have at least "
                "one byte. The file is damaged, or its header is wrong. "
                "Received: none"
            )
        if self.wanted is not None and word not in self.wanted:
            return False
        if word in self._numbers:
            self._repeated.append((word, number))
            return False
        try:
            text = word.decode("utf-8", self._errors)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.path}, {self.unit} {number}: a word must be UTF-8. "
                'Pass errors="surrogateescape" to keep such words, each of '
                "them with its bytes; but if the words look like noise, the "
                f"header is wrong. Received: {word[:60]!r}"
            ) from error
        self._numbers[word] = number
        self.words.append(text)
        return True

    def put(self, vectors: np.ndarray, numbers: list[int]) -> None:
        """Adds the vectors of the words that were noted since the last time.

        Args:
            vectors: float32 `(N, D)`.
            numbers: The numbers of their lines or rows.

        Raises:
            ValueError: A value is not finite, or there is no more memory.
        """
        finite = np.isfinite(vectors)
        if not finite.all():
            row, place = np.argwhere(~finite)[0]
            raise ValueError(
                f"{self.path}, {self.unit} {numbers[row]}: a value must be a "
                f"finite float32. Received: {vectors[row, place]} at value "
                f"{place + 1}"
            )
        size = self._count + len(vectors)
        self._check_memory(size)
        if size > len(self._table):
            more = len(self._table) * 3 // 2
            if self._memory is not None:
                free = self._memory // (4 * self.width) - self._others
                more = min(more, free)
            self._table.resize((max(size, more), self.width), refcheck=False)
        self._table[self._count : size] = vectors
        self._count = size

    def finish(self) -> tuple[list[str], np.ndarray]:
        """Returns the words and their table, and warns of repeated words.

        Raises:
            ValueError: No word is left.
        """
        if not self.words:
            some = sorted(self.wanted or ())[:3]
            shown = [word.decode("utf-8", "replace") for word in some]
            raise ValueError(
                f"{self.path}: the file must have at least one of the "
                f"{len(self.wanted or ()):,} words of `vocabulary`. Check its "
                f"language and its case. Received: none of {shown} ..."
                if self.wanted is not None
                else f"{self.path}: the file must have at least one word. "
                "Received: none"
            )
        if self._repeated:
            word, number = self._repeated[0]
            warnings.warn(
                f"{self.path}: {len(self._repeated):,} words are repeated; the "
                "first vector of each is kept. The first of them is "
                f"{word.decode('utf-8', 'backslashreplace')!r}, at "
                f"{self.unit}s {self._numbers[word]} and {number}.",
                UserWarning,
                stacklevel=4,
            )
        self._table.resize((self._count, self.width), refcheck=False)
        return self.words, self._table

    def _check_memory(self, rows: int) -> None:
        needed = 4 * self.width * (rows + self._others)
        if self._memory is None or needed <= self._memory:
            return
        besides = f" and {self._others:,} of n-grams" * bool(self._others)
        raise ValueError(
            f"{self.path}: {rows:,} rows{besides} of {self.width} float32 need "
            f"{_mega(needed)}, more than `memory_limit`, which is the free "
            "memory if it is None. Keep fewer words, with `vocabulary` or "
            f"`most_frequent`. Received: {_mega(self._memory)}"
        )


def free_memory() -> int | None:
    """Returns the bytes of memory that are free; `None` if not known."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        (free,) = [x for x in lines if x.startswith("MemAvailable:")]
        return 1024 * int(free.split()[1])
    except (OSError, ValueError):  # not Linux
        return None


def _mega(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
