"""Reads a column of brackets around arguments, as `(A0*`, `*` and `*)`."""

import re
from collections.abc import Sequence
from pathlib import Path

from keras_ctx.data.tags.conll_lines import Line
from keras_ctx.evaluation.tag_schemes.schemes import Span

CELL = re.compile(r"(?:\((?P<opened>[^()*]*))?\*(?:(?P<closed>[^()*]*)\))?")


def bracket_spans(
    path: str | Path, lines: Sequence[Line], column: int
) -> list[Span]:
    """Returns the spans of a column, in the order of the words.

    Args:
        path: The file, for errors.
        lines: The lines of a sentence.
        column: The column, counted from 0.

    Returns:
        `(start, end, label)` of each span; `end` is the word after it.

    Raises:
        ValueError: A cell is no bracket, brackets are in brackets, one does
            not close or closes nothing, or a label is empty.

    Example:
        >>> lines = [Line(1, "", ["(A0*"]), Line(2, "", ["*)"])]
        >>> bracket_spans("a.txt", lines, 0)
        [(0, 2, 'A0')]
    """

    def error(line: Line, rule: str) -> ValueError:
        return ValueError(
            f"{path}, line {line.number}: {rule}. Correct the file. Received: "
            f"{line.cells[column]!r} in column {column}, counted from 0"
        )

    spans: list[Span] = []
    start, label = None, ""
    for place, line in enumerate(lines):
        found = CELL.fullmatch(line.cells[column])
        if found is None:
            raise error(
                line,
                "an argument must begin with `(LABEL*` and end with `*)`, and "
                "all other words must have `*`; arguments of one predicate do "
                "not overlap",
            )
        opened, closed = found["opened"], found["closed"]
        if opened is not None:
            if start is not None:
                raise error(
                    line,
                    f"the argument {label} of line {lines[start].number} must "
                    "end before another begins; arguments of one predicate do "
                    "not overlap",
                )
            if not opened:
                raise error(line, "an argument must have a label")
            start, label = place, opened
        if closed is not None:
            if start is None:
                raise error(line, "a bracket must open before it closes")
            if closed not in ("", label):
                raise error(line, f"the bracket of {label} must close first")
            spans.append((start, place + 1, label))
            start = None
    if start is not None:
        raise error(lines[start], "a bracket must close in its sentence")
    return spans
