"""The windows of a file: runs of lines whose vectors are in one shard."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_ctx import data


@dataclass(frozen=True)
class Window:
    """Some lines of a file.

    Args:
        number: Of the window, from 0.
        first_line: Number of its first line in the file, from 1.
        lines: Without line ends.
        is_done: Whether an earlier run has written its shard.
    """

    number: int
    first_line: int
    lines: list[str]
    is_done: bool


class Windows:
    r"""All windows of a file, those that are done among them.

    How many lines are left is printed, and `bar` counts them.

    Args:
        path: The file, plain or compressed.
        num_lines: Of the file.
        size: Lines in a window.
        num_done: Windows whose shards are whole.

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
