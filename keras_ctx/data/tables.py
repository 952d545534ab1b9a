"""Streaming readers of tables: tab-separated and comma-separated files."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_ctx.data.readers import empty_file, numbered_lines


def read_labelled(
    path: str | Path, columns: int | Sequence[int | str] = 2
) -> Iterator[tuple[str, ...]]:
    r"""Stream the rows of a table; blank lines are skipped.

    A name that ends in `.csv` (or `.csv.gz`) has commas and quotes. In any
    other there is no quoting: a tab always separates.

    Args:
        path: The file; `.gz` is decompressed on the way.
        columns: How many columns every row must have, all of which are given;
            or the columns to give, in that order: by number, counted from 0,
            or by their names in the first line, which is then no row.

    Returns:
        A generator of tuples of strings.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file has no text, bytes that are not UTF-8, or rows
            with different numbers of columns; a column is not there.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "reviews.tsv")
        >>> _ = path.write_text("id\ttext\tlabel\n7\tgood\tpositive\n")
        >>> list(read_labelled(path, ["text", "label"]))
        [('good', 'positive')]
    """
    wanted = list(range(columns)) if isinstance(columns, int) else list(columns)
    width = columns if isinstance(columns, int) else 0
    places: list[int] = []
    found = False
    for number, row in _rows(Path(path)):
        width = width or len(row)
        if len(row) != width:
            raise ValueError(
                f"{path}, line {number}: a row must have {width} columns "
                f"separated by {_separator(path)}. Received: {len(row)} "
                f"columns, {' '.join(row)[:60]!r}"
            )
        if not places:
            places = _places(path, wanted, row)
            if any(isinstance(column, str) for column in wanted):
                continue  # the header
        found = True
        yield tuple(row[place] for place in places)
    if not found:
        raise empty_file(path)


def _separator(path: str | Path) -> str:
    return "commas" if ".csv" in Path(path).suffixes[-2:] else "tabs"


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    if _separator(path) == "tabs":
        for number, line in numbered_lines(path):
            if line.strip():
                yield number, line.split("\t")
        return
    lines = (f"{line}\n" for _, line in numbered_lines(path))
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {reader.line_num}: the quotes are not those of "
            f"a table with commas ({error})."
        ) from error


def _places(
    path: str | Path, wanted: Sequence[int | str], first: list[str]
) -> list[int]:
    """Where the wanted columns are."""
    places = []
    for column in wanted:
        if isinstance(column, str) and column in first:
            places.append(first.index(column))
        elif isinstance(column, int) and 0 <= column < len(first):
            places.append(column)
        else:
            raise ValueError(
                f"`columns` must name columns of {path}, or count them from "
                f"0. Received: {column!r}; line 1 holds {first}"
            )
    return places
