"""The lines that a client sends."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from keras_ctx.serving.rest.client.errors import RefusedQuery


def numbered_lines(
    text: Sequence[str] = (), path: Path | None = None
) -> Iterator[tuple[int, str]]:
    r"""Yields lines with their numbers, from 1, without blank lines.

    Args:
        text: The lines; if empty, those of `path`.
        path: A file in UTF-8; `None` for standard input.

    Raises:
        RefusedQuery: The file cannot be read.

    Example:
        >>> list(numbered_lines(["Good.", "", "Bad.\n"]))
        [(1, 'Good.'), (3, 'Bad.')]
    """
    number = 0
    with ExitStack() as stack:
        lines: Iterable[str] = text or sys.stdin
        try:
            if path is not None:
                lines = stack.enter_context(path.open(encoding="utf-8"))
            for number, line in enumerate(lines, 1):
                # Some editors begin a file with a byte order mark.
                line = line.removeprefix("\ufeff") if number == 1 else line
                if line.strip():
                    yield number, line.rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise RefusedQuery(
                f"What comes after line {number} is not UTF-8: {error}"
            ) from error
        except OSError as error:
            raise RefusedQuery(f"The lines cannot be read: {error}") from error
