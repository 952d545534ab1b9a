"""Streaming readers of tables: separated columns, JSON lines, and more."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.data.readers.lines import empty_file, is_blank, is_text
from keras_ctx.data.tables.table_format import TableFormat, separator_name
from keras_ctx.data.tables.table_records import (
    fasttext_records,
    hint,
    json_records,
    separated_records,
    trec_records,
)

_NAMES = {"trec": ["text", "coarse", "fine"], "fasttext": ["text", "label"]}
RAGGED_ADVICE = (
    " `ragged_rows` read reads rows that have all of `columns`; drop leaves "
    "them out."
)
"""The end of an error about a row with another number of columns."""
# Enclosed in quotes, with inner quotes doubled.
_ENCLOSED = re.compile('"(?:[^"]|"")*"')


class TableRow(NamedTuple):
    """The requested columns of a row, and its line number.

    Example:
        >>> TableRow(3, ("good", "positive")).columns[1]
        'positive'
    """

    line: int
    columns: tuple[str, ...]


def read_table(
    path: str | Path,
    columns: Sequence[int | str],
    table: TableFormat | None = None,
    dropped: list[int] | None = None,
    texts: Sequence[int | str] = (),
) -> Iterator[TableRow]:
    r"""Streams some columns of a table in any supported format.

    Args:
        path: The file, plain or compressed.
        columns: The columns to return, in this order: by number, counted from
            0, or by their names in the first row (in JSON: by key).
        table: The format of the file, if it cannot be found from the file.
        dropped: A list that gets the line numbers of the rows that
            `ragged_rows="drop"` leaves out.
        texts: The columns that are texts. In JSON, they must not be lists,
            such as lists of words.

    Returns:
        A generator of `TableRow`s. In JSON, `null` and `NaN` become an empty
        string; other values that are not strings become JSON text.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file has no text, bytes of another encoding, rows with
            different numbers of columns, or quotes that do not close; a column
            is missing or its name occurs twice; or columns between tabs are
            clearly in quotes, without `quoting` or `literal_quotes`. The
            message names the line and what to do.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "reviews.csv")
        >>> _ = path.write_text('text;label\n"good; really";1\n')
        >>> list(read_table(path, ["text", "label"]))
        [TableRow(line=2, columns=('good; really', '1'))]
    """
    path, wanted, table = Path(path), list(columns), table or TableFormat()
    if path.is_dir():
        raise FileNotFoundError(
            f"`path` must name a file. Received: {path}, a folder. If "
            "each label has a folder of texts, read them with "
            "`keras.utils.text_dataset_from_directory` and write them as one "
            "table, with a text and its label per row."
        )
    rows = _rows(
        path,
        wanted,
        table,
        0,
        [] if dropped is None else dropped,
        texts=texts,
    )
    found = False
    for row in rows:
        found = True
        yield row
    if not found:
        raise empty_file(path)


def read_labelled(
    path: str | Path, columns: int | Sequence[int | str] = 2
) -> Iterator[tuple[str, ...]]:
    r"""Streams the rows of a table, skipping blank lines.

    A `.csv` (or `.csv.gz`) file has quotes, and commas or another separator
    that its first lines fit. Any other file is separated by tabs and has no
    quoting. `read_table` reads more formats, and returns line numbers.

    Args:
        path: The file, plain or compressed.
        columns: The number of columns of every row, all of which are
            returned; or the columns to return, in this order: by number,
            counted from 0, or by their names in the first line.

    Returns:
        A generator of tuples of strings.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file has no text, bytes that are not UTF-8, or rows
            with different numbers of columns; or a column is missing.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "reviews.tsv")
        >>> _ = path.write_text("id\ttext\tlabel\n7\tgood\tpositive\n")
        >>> list(read_labelled(path, ["text", "label"]))
        [('good', 'positive')]
    """
    path = Path(path)
    width = columns if isinstance(columns, int) else 0
    wanted: list[int | str] = list(
        range(columns) if isinstance(columns, int) else columns
    )
    found = False
    for row in _rows(path, wanted, TableFormat(), width, [], strict=False):
        found = True
        yield row.columns
    if not found:
        raise empty_file(path)


def _rows(
    path: Path,
    wanted: list[int | str],
    table: TableFormat,
    width: int,
    dropped: list[int],
    strict: bool = True,
    texts: Sequence[int | str] = (),
) -> Iterator[TableRow]:
    layout = table.layout_of(path)
    if layout == "json":
        yield from _json_rows(path, wanted, table, texts)
        return
    if layout == "table":
        separator, records = separated_records(path, table, wanted)
    else:
        separator = " "
        reader = trec_records if layout == "trec" else fasttext_records
        records = reader(path, table)
        places = _places(path, wanted, _NAMES[layout], table)
        for line, row in records:
            yield TableRow(line, tuple(row[place] for place in places))
        return
    header = any(isinstance(column, str) for column in wanted)
    if table.header is False and header:
        raise ValueError(
            "`header` must not be False if `columns` are names. "
            f"Received: columns={wanted}"
        )
    places: list[int] = []
    names: list[str] = []
    check = _QuoteCheck(path) if strict and separator == "\t" else None
    for line, row in records:
        width = width or len(row)
        if width == 1 and all(map(is_blank, row)):
            continue  # only tabs, in a table of one column
        if len(row) != width and table.ragged_rows == "refuse":
            raise _ragged(path, line, row, width, separator, table, wanted)
        if not places:
            places = _places(path, wanted, row, table)
            if header or table.header:
                names = row
                continue
        if strict and row == names:
            raise ValueError(
                f"{path}, line {line}: the row repeats the column names, as "
                f"in files that were joined. Remove it. Received: {row}"
            )
        if len(row) != width and (
            table.ragged_rows == "drop" or len(row) <= max(places)
        ):
            if table.ragged_rows == "read":
                raise _ragged(path, line, row, width, separator, table, wanted)
            dropped.append(line)
            continue
        found = tuple(row[place] for place in places)
        if check is not None and not (table.quoting or table.literal_quotes):
            check(line, found)
        yield TableRow(line, found)


def _ragged(
    path: Path,
    line: int,
    row: list[str],
    width: int,
    separator: str,
    table: TableFormat,
    wanted: list[int | str],
) -> ValueError:
    more = RAGGED_ADVICE
    if any(column.startswith('"') for column in row):
        more += " `quoting` reads columns in quotes."
    return ValueError(
        f"{path}, line {line}: a row must have {width} columns separated by "
        f"{separator_name(separator)}. Received: {len(row)} columns, "
        f"{' '.join(row)[:60]!r}." + hint(path, table, wanted) + more
    )


def _places(
    path: Path,
    wanted: Sequence[int | str],
    first: list[str],
    table: TableFormat,
) -> list[int]:
    """Returns the indices of the wanted columns."""
    names = [name.strip() for name in first]
    quoted = any(_ENCLOSED.fullmatch(name) for name in names)
    places = []
    for column in wanted:
        if isinstance(column, str) and names.count(column.strip()) > 1:
            raise ValueError(
                f"`columns` must be names that occur once: {path} has "
                f"{names.count(column.strip())} columns named {column!r}. "
                "Use numbers from 0 instead, with `header` True."
            )
        if isinstance(column, str) and column.strip() in names:
            places.append(names.index(column.strip()))
        elif isinstance(column, int) and 0 <= column < len(first):
            places.append(column)
        else:
            raise ValueError(
                f"`columns` must name columns of {path}, or count them from "
                f"0. Received: {column!r}; line 1 holds "
                f"{[name[:60] for name in first]}."
                + _other_case(column, names)
                + (" `quoting` removes quotes." if quoted else "")
                + hint(path, table, wanted)
            )
    return places


def _other_case(column: int | str, names: Iterable[str]) -> str:
    """Returns a sentence if a name differs only in case."""
    for name in names:
        if str(column).strip().casefold() == name.strip().casefold():
            return f" Its case differs from that of {name.strip()!r}."
    return ""


def _json_rows(
    path: Path,
    wanted: list[int | str],
    table: TableFormat,
    texts: Sequence[int | str],
) -> Iterator[TableRow]:
    for line, record in json_records(path, table):
        found = []
        for column in wanted:
            key = column if column in record else str(column)
            if key not in record:
                raise ValueError(
                    f"{path}, line {line}: `columns` must be keys of every "
                    f"row. Received: {column!r}; its keys are {list(record)}"
                    + ("." + _other_case(column, record)).rstrip(".")
                )
            value = record[key]
            if column in texts and isinstance(value, list | dict):
                raise ValueError(
                    f"{path}, line {line}: {key!r} must be a text. Join the "
                    f"words of a list into one. Received: {str(value)[:60]}"
                )
            found.append(_as_text(path, line, key, value))
        yield TableRow(line, tuple(found))


def _as_text(path: Path, line: int, column: Any, value: Any) -> str:
    if isinstance(value, str):
        if not is_text(value):
            raise ValueError(
                f"{path}, line {line}: {column!r} must be text, without half "
                f"of a surrogate pair. Received: {value[:60]!r}"
            )
        return value
    if isinstance(value, dict):
        raise ValueError(
            f"{path}, line {line}: {column!r} must be a text, a number or a "
            f"list. Received: {str(value)[:60]}"
        )
    if value is None or value != value:  # pandas writes NaN for a missing value
        return ""
    return json.dumps(value, ensure_ascii=False)


class _QuoteCheck:
    """A check whether columns between tabs are enclosed in quotes.

    They are if a column has doubled quotes inside, and every column that
    begins with a quote also ends with one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = False

    def __call__(self, line: int, columns: tuple[str, ...]) -> None:
        for column in columns:
            if self._open or not column.startswith('"'):
                continue
            if not _ENCLOSED.fullmatch(column):
                self._open = True
            elif '""' in column[1:-1]:
                raise ValueError(
                    f"{self._path}, line {line}: the quotes seem to enclose "
                    "columns. `quoting` removes them, `literal_quotes` keeps "
                    "them. "
                    f"Received: {column[:60]!r}"
                )
