"""Reads files of texts, and writes a classifier's prediction for each line."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_ctx.data import (
    Classification,
    MultiLabel,
    Regression,
    TableFormat,
    read_table,
)
from keras_ctx.data.readers.lines import is_blank, numbered_lines
from keras_ctx.data.tables.table_format import has_ending
from keras_ctx.data.tables.table_records import is_json_list, separated_records
from keras_ctx.data.tables.tables import RAGGED_ADVICE, TableRow
from keras_ctx.predictions.model_rows import ModelRows
from keras_ctx.predictions.run_task import RunTask

HEADER: Literal["header"] = "header"
# A text or a text pair; None for a blank line; "header" for column names.
Item = tuple[str, ...] | None | Literal["header"]
# An option of predict.py that the training recipes do not have.
_LINES = "If every line is a text, give `lines` (predict.py --lines)."


@dataclass(frozen=True)
class TextFile:
    """A file of texts or text pairs, and how to read it.

    Example:
        >>> _ = Path("texts.txt").write_text("good\\n\\nbad\\n")
        >>> list(TextFile("texts.txt", [0]).items())
        [('good',), None, ('bad',)]
    """

    path: str | Path
    columns: Sequence[int | str]
    """Columns of one or two texts; if empty, every line is a text."""
    table: TableFormat = TableFormat()
    """The format of the file."""

    def items(self) -> Iterator[Item]:
        """Yields the rows in order.

        Each line of the file gives one item, also in a file without text,
        except in a table with quotes and a JSON list, whose rows may span
        lines."""
        lines = (x for _, x in numbered_lines(self.path, self.table.encoding))
        if not self.columns:
            yield from (None if is_blank(x) else (x,) for x in lines)
            return
        if all(map(is_blank, lines)):
            lines = numbered_lines(self.path, self.table.encoding)
            yield from (None for _ in lines)
            return
        # A row without the column is an error: it would get no prediction.
        table = self.table
        if table.ragged_rows == "drop":
            table = replace(table, ragged_rows="read")
        columns = list(self.columns)
        rows = self._rows(columns, table)
        names = any(isinstance(column, str) for column in self.columns)
        header = table.layout_of(self.path) == "table" and (
            names or bool(table.header)
        )
        if not self._row_is_line():
            if header:
                yield HEADER
            yield from (row.columns for row in rows)
            return
        row = next(rows, None)
        for number, line in numbered_lines(self.path, table.encoding):
            if row is not None and row.line == number:
                yield row.columns
                row = next(rows, None)
            elif header and not is_blank(line):
                yield HEADER
                header = False
            else:
                yield None

    def _rows(
        self, columns: Sequence[int | str], table: TableFormat
    ) -> Iterator[TableRow]:
        """Reads the table; errors do not name options of training recipes."""
        try:
            yield from read_table(self.path, columns, table, texts=columns)
        except ValueError as error:
            if RAGGED_ADVICE not in str(error):
                raise
            advice = f" {_LINES}" if len(columns) == 1 else ""
            message = str(error).replace(RAGGED_ADVICE, advice)
            raise ValueError(message) from error

    def note(self) -> str:
        """Returns a note if a column is read but whole lines may be meant."""
        if self.table.layout_of(self.path) != "table" or not all(
            isinstance(column, int) for column in self.columns
        ):
            return ""
        _, records = separated_records(
            Path(self.path), self.table, self.columns
        )
        width = len(next(records, (0, []))[1])
        if len(self.columns) != 1 or width < 2:
            return ""
        return (
            f"Read as a table of {width} columns, the texts in column "
            f"{self.columns[0]}, counted from 0: `columns` (predict.py "
            "--columns) selects others, `lines` (predict.py --lines) reads "
            "whole lines."
        )

    def _row_is_line(self) -> bool:
        table = self.table
        layout = table.layout_of(self.path)
        if layout == "json":
            return not is_json_list(Path(self.path), table)
        if layout != "table" or table.literal_quotes:
            return True
        tabs = table.separator_character in (None, "\t")
        return tabs and not table.quoting and not has_ending(self.path, ".csv")


def text_file(
    task: RunTask,
    path: str | Path,
    columns: Sequence[str] | None = None,
    lines: bool = False,
) -> TextFile:
    """Returns how to read a file to predict, given the training files.

    Args:
        task: Task of a classifier or regressor.
        path: The file.
        columns: Columns of one or two texts: numbers counted from 0, or names
            in the first row. Defaults to those of the training files without
            the label; or to the only column, if the file has one and the
            columns are numbers.
        lines: Whether every line is a text, whatever it contains.

    Returns:
        A `TextFile`. In the layouts of TREC and fastText, where each line
        begins with a label, the file to predict has one text per line and no
        label.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The number of columns is not the number of texts that the
            model reads, or the first row lacks one of them.

    Example:
        >>> task = RunTask("regression", None, None)
        >>> _ = Path("texts.txt").write_text("good\\n")
        >>> text_file(task, "texts.txt").columns
        [0]
    """
    table = TableFormat(**task.settings.get("table", {}))
    pair = bool(task.settings.get("pair"))
    if lines:
        if pair or columns is not None:
            raise ValueError(
                "`lines` must not be given for a model that reads pairs, or "
                f"together with `columns`. Received: columns={columns}, and "
                f"a model of {1 + pair} texts"
            )
        return TextFile(path, [], table)
    if columns is None:
        learned = task.settings.get("columns") or ("0", "1", "2")[: 2 + pair]
        columns = list(learned)[:-1]
        numbers = all(column.isdecimal() for column in columns)
        if not pair and numbers and _one_column(path, table):
            columns = ["0"]
    if len(columns) != 1 + pair:
        raise ValueError(
            f"`columns` must be {1 + pair}, as the model reads "
            f"{'pairs of texts' if pair else 'single texts'}. Received: "
            f"columns={list(columns)}"
        )
    wanted = [int(c) if c.isdecimal() else c for c in columns]
    found = TextFile(path, wanted, table)
    try:
        next(found.items(), None)
    except ValueError as error:
        if pair:
            raise
        if table.layout in ("trec", "fasttext"):  # a label begins each line
            return TextFile(path, [], table)
        if table.layout_of(path) == "json":
            if "`columns`" not in str(error):
                raise
            advice = (
                "Name the key of the text: `columns`, such as predict.py "
                "--columns x."
            )
        else:
            advice = _LINES
        raise ValueError(f"{error} {advice}") from error
    return found


def _one_column(path: str | Path, table: TableFormat) -> bool:
    if table.layout_of(path) != "table" or has_ending(path, ".csv"):
        return False
    separator = table.separator_character or "\t"
    lines = itertools.islice(numbered_lines(path, table.encoding), 100)
    return not any(separator in line for _, line in lines)


def text_task(task: RunTask) -> Any:
    """Returns the `data.TextTask` of a run: what its logits mean.

    Args:
        task: Task of a classifier or regressor.

    Example:
        >>> text_task(RunTask("regression", None, None)).name
        'regression'
    """
    kinds: dict[str, Any] = {
        "classification": lambda: Classification(task.labels),
        "multi_label": lambda: MultiLabel(
            task.labels, task.settings.get("label_separator", ",")
        ),
        "regression": Regression,
    }
    return kinds[task.kind]()


def text_lines(
    task: RunTask, rows: ModelRows, items: Iterable[Item]
) -> Iterator[str]:
    """Yields a line for each item: the prediction and the logits, with tabs.

    Args:
        task: Task of a classifier or regressor.
        rows: Its model.
        items: See `TextFile.items`.

    Returns:
        A generator of lines as in the recipe's predictions.tsv, without the
        true label; "" for `None`; the column names for a header. The number of
        texts cut is printed on standard error at the end.

    Example:
        >>> from keras_ctx import models, text
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> model = models.classifier(encoder, 2)
        >>> task = RunTask("classification", model, None, ("bad", "good"))
        >>> rows = ModelRows(model, text.ElmoInputs(max_characters=5))
        >>> list(text_lines(task, rows, ["header", None]))
        ['prediction\\tbad\\tgood', '']
    """
    meaning = text_task(task)
    shown, items = itertools.tee(items)
    asked = (None if item == HEADER else item for item in items)
    for item, outputs in zip(shown, rows(asked), strict=True):
        if item == HEADER:
            yield "\t".join(["prediction", *meaning.labels])
        elif outputs is None:
            yield ""
        else:
            logits = np.asarray(outputs["logits"])
            best = meaning.predictions(logits[None])[0]
            numbers = [f"{x:.4f}" for x in logits] if meaning.labels else []
            yield "\t".join([best, *numbers])
    if rows.num_cut:
        print(
            f"{rows.num_cut} of {rows.num_texts} texts are longer than "
            f"{rows.limit} and are cut.",
            file=sys.stderr,
        )
