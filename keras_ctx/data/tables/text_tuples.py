"""Rows of several texts, with or without a score of their similarity."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keras_ctx.data.tables.label_checks import numbers
from keras_ctx.data.tables.labelled_texts import (
    LabelledTexts,
    check_texts,
    read_labelled_texts,
)
from keras_ctx.data.tables.table_format import TableFormat
from keras_ctx.data.tables.tables import read_table

# Usual names of these columns, in lower case.
_HEADERS = set(
    "anchor positive negative query document passage answer response "
    "text text1 text2 text_pair text_a text_b sentence sentence1 sentence2 "
    "question question1 question2 premise hypothesis title body "
    "文本 句子 问题 答案 标题 正例 负例".split()
)


@dataclass(frozen=True)
class TextTuples:
    """Rows of two or more texts of a file.

    Attributes:
        path: The file.
        lines: The line number of each row.
        columns: The texts by column: all first texts, all second ones, ...
        scores: The score of each pair, or `None`.
        dropped: Line numbers of ragged rows that were left out.

    Example:
        >>> rows = TextTuples(Path("a.tsv"), [1], [["cat"], ["kitten"]], None)
        >>> len(rows), rows.summary()
        (1, 'a.tsv: 1 pairs of texts')
    """

    path: Path
    lines: list[int]
    columns: list[list[str]]
    scores: list[float] | None
    dropped: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def sample(self, number: int | None, seed: int = 0) -> "TextTuples":
        """Returns `number` random rows in file order, or all for `None`."""
        if number is None or number >= len(self):
            return self
        chosen = random.Random(seed).sample(range(len(self)), number)
        places = sorted(chosen)
        scores = self.scores
        return replace(
            self,
            lines=[self.lines[k] for k in places],
            columns=[[column[k] for k in places] for column in self.columns],
            scores=None if scores is None else [scores[k] for k in places],
        )

    def by_column(self) -> list[LabelledTexts]:
        """Returns each column alone, as texts whose labels mean nothing."""
        return [
            LabelledTexts(self.path, self.lines, column, None, column)
            for column in self.columns
        ]

    def where(self, place: int) -> str:
        """Returns the file and the line of a row, for error messages."""
        return f"{self.path}, line {self.lines[place]}"

    def summary(self) -> str:
        """Returns a sentence about the number of rows and what is unusual."""
        width = len(self.columns)
        what = "pairs of texts" if width == 2 else f"rows of {width} texts"
        notes = [f"{self.path}: {len(self):,} {what}"]
        if self.scores is not None:
            low, high = min(self.scores), max(self.scores)
            notes[0] += f", scores from {low:g} to {high:g}"
        if self.dropped:
            notes.append(
                f"{len(self.dropped):,} rows of another number of columns "
                f"left out, the first on line {self.dropped[0]}"
            )
        first, second = self.columns[:2]
        same = [x == y for x, y in zip(first, second, strict=True)]
        if self.scores is None and any(same):
            notes.append(
                f"{sum(same):,} pairs of two equal texts, the first on line "
                f"{self.lines[same.index(True)]}"
            )
        return "; ".join(notes)


def read_text_tuples(
    path: str | Path,
    columns: Sequence[str],
    table: TableFormat | None = None,
    scored: bool = False,
) -> TextTuples:
    r"""Reads rows of texts, and checks them.

    Args:
        path: A file that `read_table` can read.
        columns: The columns of the texts, and of the score if `scored`:
            numbers counted from 0, as strings, or names in the first line (in
            JSON: keys).
        table: The format of the file.
        scored: Whether the last of three columns is a score.

    Returns:
        The rows. Texts are unchanged.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: `read_table` refuses the file; `columns` are too few or
            repeated, or hold no texts; a text is empty; a score is no finite
            number, or all are equal; a negative equals the first or the second
            text of its row; of three or more texts the first two are equal; the
            first row looks like the names of columns; or no row is there. The
            message names the line.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "pairs.tsv")
        >>> _ = path.write_text("a cat\ta kitten\t4.5\na cat\ta car\t0\n")
        >>> rows = read_text_tuples(path, ["0", "1", "2"], scored=True)
        >>> rows.columns[1], rows.scores
        (['a kitten', 'a car'], [4.5, 0.0])
    """
    path, table = Path(path), table or TableFormat()
    wanted = [int(c) if c.isdecimal() else c for c in columns]
    check_tuple_columns(columns, scored)
    if scored:
        found = read_labelled_texts(path, wanted, table)
        pairs = [found.texts, found.text_pairs or []]
        scores = numbers(found)
        rows = TextTuples(path, found.lines, pairs, scores, found.dropped)
        _check_written(rows)
        return rows
    dropped: list[int] = []
    read = list(read_table(path, wanted, table, dropped, wanted))
    if not read:
        raise ValueError(
            f"{path}: no row has all of `columns`. Received: {len(dropped)} "
            "ragged rows"
        )
    texts = [list(c) for c in zip(*(r.columns for r in read), strict=True)]
    rows = TextTuples(path, [r.line for r in read], texts, None, dropped)
    for name, column in zip(wanted, rows.by_column(), strict=True):
        check_texts(column, [name, name], table)
    if table.header is None and all(map(str.isdecimal, columns)):
        _check_header(rows)
    _check_written(rows)
    if len(texts) > 2:
        _check_negatives(rows)
    return rows


def check_tuple_columns(columns: Sequence[str], scored: bool) -> None:
    """Refuses columns that are too few, too many, or repeated."""
    if len(set(columns)) < len(columns):
        raise ValueError(
            "`columns` must be different columns. "
            f"Received: columns={tuple(columns)}"
        )
    if scored and len(columns) != 3:
        raise ValueError(
            "`columns` must be two texts and their score. "
            f"Received: columns={tuple(columns)}"
        )
    if len(columns) < 2:
        raise ValueError(
            "`columns` must be two texts, or more with negatives. "
            f"Received: columns={tuple(columns)}"
        )


def _check_header(rows: TextTuples) -> None:
    cells = [column[0].strip() for column in rows.columns]
    if all(cell.lower() in _HEADERS for cell in cells):
        raise ValueError(
            f"{rows.where(0)}: looks like the names of columns, {cells}. Name "
            "the columns in `columns`, or set `header` to True; False reads "
            "the row as data."
        )


def _check_written(rows: TextTuples) -> None:
    for place, texts in enumerate(zip(*rows.columns, strict=True)):
        if not all(text.strip() for text in texts):
            raise ValueError(
                f"{rows.where(place)}: a text is empty, and has no meaning to "
                f"compare. Leave the row out. Received: {_short(texts)}"
            )


def _check_negatives(rows: TextTuples) -> None:
    for place, texts in enumerate(zip(*rows.columns, strict=True)):
        first, second, *negatives = (text.strip() for text in texts)
        if first == second or {first, second} & {*negatives}:
            raise ValueError(
                f"{rows.where(place)}: a text, its pair and its negatives must "
                "be different texts. Leave the row out. "
                f"Received: {_short(texts)}"
            )


def _short(texts: Sequence[str]) -> list[str]:
    return [text[:60] for text in texts]


def check_negatives_exist(rows: TextTuples) -> None:
    """Refuses pairs that are all about one text: nothing is a negative.

    Args:
        rows: Rows to train with the other texts of the batch as negatives.

    Raises:
        ValueError: All first or all second texts are equal, and there are no
            hard negatives.

    Example:
        >>> rows = TextTuples(Path("a"), [1, 2], [["x", "x"], ["y", "z"]], None)
        >>> check_negatives_exist(rows)
        Traceback (most recent call last):
        ValueError: a: all 2 first texts are 'x', so no row has a negative ...
    """
    if len(rows.columns) > 2:
        return
    for name, column in zip(("first", "second"), rows.columns, strict=True):
        if len({text.strip() for text in column}) == 1:
            raise ValueError(
                f"{rows.path}: all {len(rows)} {name} texts are "
                f"{column[0][:60]!r}, so no row has a negative in its batch. "
                "Add rows about other texts, or a column of negatives."
            )
