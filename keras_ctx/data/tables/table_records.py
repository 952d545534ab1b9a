"""Readers of records: the columns of each row, with its line number."""

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_ctx.data.readers.lines import is_blank, numbered_lines
from keras_ctx.data.tables.table_format import (
    SEPARATORS,
    TableFormat,
    has_ending,
    separator_name,
)
from keras_ctx.files.json_text import load_json

Line = tuple[int, str]
Record = tuple[int, list[str]]
# Number of lines used to find the separator.
_PEEK = 200
# What Excel writes above a table.
_EXCEL = re.compile(r"sep=.", re.IGNORECASE)
_TREC = re.compile(r"([A-Z]+):(\w+) +(\S.*)")
_FASTTEXT = re.compile(r"((?:__label__\S+\s+)+)(.*)")


def separated_records(
    path: Path, table: TableFormat, wanted: Sequence[int | str]
) -> tuple[str, Iterator[Record]]:
    """Returns the separator and the records of a table, skipping blanks."""
    lines = numbered_lines(path, table.encoding)
    first = list(itertools.islice(lines, _PEEK))
    _check_line_ends(path, first)
    if first and _EXCEL.fullmatch(first[0][1].strip()):
        raise ValueError(
            f"{path}, line 1: {first[0][1].strip()!r} is an instruction for "
            "Excel, not a row. Remove the line."
        )
    separator = table.separator_character
    if separator is None:
        separator = _separator(path, table, wanted, first)
    lines = itertools.chain(first, lines)
    if not table.quotes_enclose(separator):
        return separator, _literal(lines, separator)
    return separator, _quoted(path, lines, separator)


def _literal(lines: Iterable[Line], separator: str) -> Iterator[Record]:
    for number, line in lines:
        # A row of empty columns is not a blank line.
        if separator in line or not is_blank(line):
            yield number, line.split(separator)


def _quoted(
    path: Path, lines: Iterable[Line], separator: str
) -> Iterator[Record]:
    # Raises Python's limit of 131,072 characters per column (process-wide).
    csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))
    reader = csv.reader(
        (f"{line}\n" for _, line in lines), delimiter=separator, strict=True
    )
    start = 1
    try:
        for row in reader:
            if len(row) > 1 or not all(map(is_blank, row)):
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {start}: the quotes do not fit a table with "
            f"{separator_name(separator)} ({error}; read up to line "
            f"{reader.line_num}). A quote within quotes must be doubled; "
            "`literal_quotes` reads quotes as ordinary characters."
        ) from error


def _check_line_ends(path: Path, lines: list[Line]) -> None:
    if lines and "\r" in lines[0][1]:
        raise ValueError(
            f"{path}, line 1: holds a carriage return, which does not end "
            "a line. Convert the line ends, for example with `mac2unix`."
        )
    if lines and lines[0][1].count("\0") > len(lines[0][1]) / 4:
        raise ValueError(
            f"{path}, line 1: every other byte is 0. It looks like UTF-16: "
            "set `encoding`, for example to utf-16-le."
        )


def _separator(
    path: Path,
    table: TableFormat,
    wanted: Sequence[int | str],
    lines: list[Line],
) -> str:
    if not has_ending(path, ".csv"):
        return "\t"
    fitting = fitting_separators(table, wanted, lines)
    even = [separator for separator, is_even in fitting.items() if is_even]
    found = even or list(fitting)
    if len(found) > 1:
        names = " or by ".join(map(separator_name, found))
        raise ValueError(
            f"{path}: its columns could be separated by {names}. "
            "Set `separator` to the right one."
        )
    return found[0] if found else ","


def fitting_separators(
    table: TableFormat, wanted: Sequence[int | str], lines: list[Line]
) -> dict[str, bool]:
    """Returns the separators with which every row has the wanted columns.

    The value of a separator tells whether all rows have equally many columns.
    """
    needed = max([1, *(c for c in wanted if isinstance(c, int))]) + 1
    names = {column for column in wanted if isinstance(column, str)}
    found = {}
    for separator in SEPARATORS.values():
        rows = _first_rows(table, separator, lines)
        if rows and names <= {name.strip() for name in rows[0]}:
            widths = {len(row) for row in rows}
            if min(widths) >= needed:
                found[separator] = len(widths) == 1
    return found


def _first_rows(
    table: TableFormat, separator: str, lines: list[Line]
) -> list[list[str]]:
    """Returns the rows of the first lines, or none if quotes do not fit."""
    if not table.quotes_enclose(separator):
        return [row for _, row in _literal(lines, separator)]
    rows: list[list[str]] = []
    try:
        for _, row in _quoted(Path(), lines, separator):
            rows.append(row)
    except ValueError as error:
        # The last row may end after the lines that were read.
        cut = len(lines) == _PEEK and f"line {lines[-1][0]})" in str(error)
        return rows if cut else []
    return rows


def trec_records(path: Path, table: TableFormat) -> Iterator[Record]:
    """Yields text, coarse label and fine label."""
    for number, line in numbered_lines(path, table.encoding):
        if is_blank(line):
            continue
        found = _TREC.fullmatch(line.strip())
        if found is None:
            raise ValueError(
                f"{path}, line {number}: a line must be `COARSE:fine text`. "
                f"Received: {line[:60]!r}"
            )
        coarse, fine, text = found.groups()
        yield number, [text, coarse, f"{coarse}:{fine}"]


def fasttext_records(path: Path, table: TableFormat) -> Iterator[Record]:
    """Yields the text, and its labels separated by blanks."""
    for number, line in numbered_lines(path, table.encoding):
        if is_blank(line):
            continue
        found = _FASTTEXT.fullmatch(line)
        if found is None:
            raise ValueError(
                f"{path}, line {number}: a line must be `__label__a text`. "
                f"Received: {line[:60]!r}"
            )
        labels = found[1].replace("__label__", "").split()
        yield number, [found[2].strip(), " ".join(labels)]


def json_records(
    path: Path, table: TableFormat
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields JSON objects, written one per line or as one list."""
    lines = numbered_lines(path, table.encoding)
    for number, line in lines:
        if is_blank(line):
            continue
        if line.lstrip().startswith("["):
            yield from _json_list(path, number, line, lines)
            return
        try:
            record = load_json(line)
        except ValueError as error:
            # The line number of the error is always 1.
            what = getattr(error, "msg", error)
            raise ValueError(
                f"{path}, line {number}: a line must be a complete JSON object "
                f"({what}). Received: {line[:60]!r}"
            ) from error
        yield number, _object(path, f"line {number}", record)


def is_json_list(path: Path, table: TableFormat) -> bool:
    """Returns whether a JSON file is one list, not an object per line."""
    lines = (line for _, line in numbered_lines(path, table.encoding))
    first = next((line for line in lines if not is_blank(line)), "")
    return first.lstrip().startswith("[")


def _json_list(
    path: Path, number: int, line: str, lines: Iterator[Line]
) -> Iterator[tuple[int, dict[str, Any]]]:
    # The rows of a list have no line numbers: they are counted from 1.
    try:
        rows = load_json("\n".join([line, *(text for _, text in lines)]))
    except ValueError as error:
        what = error
        if isinstance(error, json.JSONDecodeError):
            number += error.lineno - 1
            what = error.msg
        raise ValueError(
            f"{path}, line {number}: the list is not complete JSON ({what})."
        ) from error
    for place, record in enumerate(rows, 1):
        yield place, _object(path, f"row {place}", record)


def _object(path: Path, where: str, record: Any) -> dict[str, Any]:
    if isinstance(record, dict):
        return record
    raise ValueError(
        f"{path}, {where}: a row must be a JSON object with columns as keys. "
        f"Received: {str(record)[:60]!r}"
    )


def hint(path: Path, table: TableFormat, wanted: Sequence[int | str]) -> str:
    """Returns advice on how to read a file that could not be read."""
    lines = list(itertools.islice(numbered_lines(path, table.encoding), _PEEK))
    texts = [line.strip() for _, line in lines if line.strip()]
    if all(map(_TREC.fullmatch, texts)):
        return " `layout` trec reads `COARSE:fine text`."
    if all(map(_FASTTEXT.fullmatch, texts)):
        return " `layout` fasttext reads `__label__a text`."
    if all(text.startswith("{") for text in texts):
        return " `layout` json reads an object per line."
    found = fitting_separators(table, wanted, lines)
    found.pop(table.separator_character or "\t", None)
    if not found:
        return ""
    names = {value: name for name, value in SEPARATORS.items()}
    fitting = " or ".join(names[separator] for separator in found)
    return f" It would fit with `separator` {fitting}."
