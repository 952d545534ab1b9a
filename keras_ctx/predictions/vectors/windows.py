"""Splits a file into windows of lines; the vectors of each fill one shard."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_ctx import data


@dataclass(frozen=True)
class Window:
    """Consecutive lines of a file.

    Args:
        number: Number of the window, from 0.
        first_line: Number of its first line in the file, from 1.
        lines: Lines without line ends.
        is_done: Whether an earlier run wrote its shard.
    """

    number: int
    first_line: int
    lines: list[str]
    is_done: bool


class Windows:
    r"""All windows of a file, including finished ones.

    Prints how many lines remain; `bar` counts them.

    Args:
        path: The file, plain or compressed.
        num_lines: Number of lines of the file.
        size: Lines in a window.
        num_done: Number of windows whose shards are complete.

    Example:
        >>> path = Path("lines.txt")
        >>> _ = path.write_text("a\nb\n\nc\nd\n")
        >>> windows = Windows(path, 5, size=2, num_done=1)
        lines.txt: 3 of 5 lines to embed
        >>> [(x.first_line, x.lines, x.is_done) for x in windows]
        [(1, ['a', 'b'], True), (3, ['', 'c'], False), (5, ['d'], False)]
    """

    def __init__(self, path: Path, num_lines: int, size: int, num_done: int):
        self.path, self.size, self.num_done = path, size, num_done
        self.num_left = max(num_lines - num_done * size, 0)
        print(f"{path}: {self.num_left:,} of {num_lines:,} lines to embed")
        self.bar = keras.utils.Progbar(self.num_left, unit_name="line")

    def __iter__(self) -> Iterator[Window]:
        lines = data.read_lines(self.path, keep_blank=True)
        found = iter(lambda: list(itertools.islice(lines, self.size)), [])
        for number, window in enumerate(found):
            yield Window(
                number,
                number * self.size + 1,
                window,
                number < self.num_done,
            )
