"""The last lines of a recipe: its figures, its files, the next command."""

import contextlib
import math
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from keras_ctx.command_line.shell_command import recipe_words, wrapped_command

_Row = Sequence[Any]


def closing(
    rows: Sequence[_Row],
    made: str | Path | Sequence[str | Path],
    next_command: Sequence[Any] = (),
    file: TextIO | None = None,
) -> None:
    """Prints a small table, the paths of new files, and the next command.

    The lines contain no control characters, and fit a terminal of 40 columns
    unless a single word is longer.

    Args:
        rows: The rows of the table; the first row names the columns. A cell is
            text, a number, or `None` if it is empty. Numbers are printed with
            four digits, text such as "72.1 %" unchanged.
        made: The path or paths that the recipe has written; may be empty.
        next_command: The words of a command that runs as printed. If the first
            word is the file name of a recipe, such as "predict.py", it is
            printed as Python and the path of the recipe. If empty, no command
            is printed.
        file: Where to print. Defaults to standard output. Recipes that write
            data to standard output pass `sys.stderr`.

    Example:
        >>> closing(
        ...     [["scores", "pretrained", "untrained"], ["F1", 0.75, None]],
        ...     made="runs/entities",
        ...     next_command=["cat", "runs/entities/report.txt"],
        ... )
        <BLANKLINE>
        scores  pretrained  untrained
        F1            0.75          -
        <BLANKLINE>
        Made:
          runs/entities
        Next:
          cat runs/entities/report.txt
    """
    shown = file or sys.stdout
    width = _columns(shown)
    paths = [made] if isinstance(made, str | Path) else list(made)
    lines = ["", *table_lines(rows, width), ""] if rows else [""]
    if paths:
        lines += ["Made:", *(f"  {_printable(str(path))}" for path in paths)]
    if next_command:
        command = wrapped_command(recipe_words(next_command), width - 2)
        lines += ["Next:", *(f"  {line}" for line in command)]
    print("\n".join(lines), file=shown)


def table_lines(rows: Sequence[_Row], width: int) -> list[str]:
    """Returns the lines of a table, one cell a line if it exceeds `width`.

    Args:
        rows: See `closing`.
        width: Width of the terminal in columns.

    Example:
        >>> table_lines([["", "texts"], ["train", 1000], ["test", 64]], 40)
        ['       texts', 'train  1,000', 'test      64']
        >>> table_lines([["", "texts"], ["train", 1000]], 10)
        ['train', '  texts: 1,000']
    """
    cells = [[_cell(value) for value in row] for row in rows]
    columns = list(zip(*cells, strict=True))
    widths = [max(map(_width, column)) for column in columns]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        names, *others = cells
        lines = []
        for first, *values in others:
            lines.append(first)
            pairs = zip(names[1:], values, strict=True)
            lines += [f"  {name}: {value}" for name, value in pairs]
        return lines
    is_number = [
        all(map(_is_number, column)) for column in zip(*rows[1:], strict=True)
    ] or [False] * len(widths)
    return [
        "  ".join(map(_aligned, line, widths, is_number)).rstrip()
        for line in cells
    ]


def _columns(file: TextIO) -> int:
    """Returns the width of a file's terminal; 80 if it has no terminal."""
    columns = 0
    if "COLUMNS" not in os.environ:
        with contextlib.suppress(OSError, ValueError):  # not a terminal
            columns = os.get_terminal_size(file.fileno()).columns
    return columns or shutil.get_terminal_size().columns


def _is_number(value: Any) -> bool:
    """Returns whether a cell is a number, or text such as "72.1 %"."""
    if value is None or isinstance(value, int | float):
        return True
    return re.match(r"-?\d[\d,.]*( %)?$", str(value)) is not None


def _aligned(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if right else text + blanks


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return _printable(str(value))


def _printable(text: str) -> str:
    """Escapes control characters, which a label may contain."""
    return "".join(
        x if x.isprintable() else x.encode("unicode_escape").decode()
        for x in text
    )


def _width(text: str) -> int:
    """Returns the columns a text takes; a Chinese character takes two."""
    return sum(
        0
        if unicodedata.combining(x)
        else 1 + (unicodedata.east_asian_width(x) in "WF")
        for x in text
    )
