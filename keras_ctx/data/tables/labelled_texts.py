"""Labelled texts in memory, each with the line that it came from."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_ctx.data.tables.table_format import TableFormat
from keras_ctx.data.tables.tables import TableRow, read_table

# Written by SNLI and OCNLI where the annotators did not agree.
# What some data sets, pandas and Excel write where there is no label.
_NO_LABELS = {"-", "nan", "<na>", "null", "#n/a"}
# A word with a digit, such as 17, gj04 or train-17.
_ID = re.compile(r"[A-Za-z_-]*\d[\w.-]{0,15}", re.ASCII)


@dataclass(frozen=True)
class LabelledTexts:
    """The texts of a file, or pairs of them, and their labels as written.

    Attributes:
        path: The file.
        lines: The line of each text.
        texts: The texts; `text_pairs`, the second of each pair, or `None`.
        labels: The labels, without blanks around them.
        dropped: Lines of ragged rows that were left out.
        unlabelled: Lines without a label that were left out.

    Example:
        >>> from pathlib import Path
        >>> rows = LabelledTexts(Path("a.tsv"), [1, 2], ["x", "y"], None,
        ...                      ["good", "bad"])
        >>> len(rows), rows.first(1).texts
        (2, ['x'])
    """

    path: Path
    lines: list[int]
    texts: list[str]
    text_pairs: list[str] | None
    labels: list[str]
    dropped: Sequence[int] = ()
    unlabelled: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def at(self, places: Sequence[int]) -> "LabelledTexts":
        """Some of the texts, in the order given."""
        second = self.text_pairs
        return LabelledTexts(
            self.path,
            [self.lines[i] for i in places],
            [self.texts[i] for i in places],
            None if second is None else [second[i] for i in places],
            [self.labels[i] for i in places],
            self.dropped,
            self.unlabelled,
        )

    def first(self, number: int | None) -> "LabelledTexts":
        """The first `number` texts; `None`: all."""
        return self.at(range(len(self))[:number])

    def sample(self, number: int | None, seed: int = 0) -> "LabelledTexts":
        """So many texts at random, in the order of the file; `None`: all."""
        if number is None or number >= len(self):
            return self
        places = random.Random(seed).sample(range(len(self)), number)
        return self.at(sorted(places))

    def summary(self) -> str:
        """How many texts there are, and what about them is out of the way."""
        notes = [f"{self.path}: {len(self):,} texts"]
        texts = zip(self.texts, self.text_pairs or self.texts, strict=True)
        empty = [
            line
            for line, pair in zip(self.lines, texts, strict=True)
            if not all(text.strip() for text in pair)
        ]
        for lines, what in (
            (self.unlabelled, "without a label left out"),
            (self.dropped, "of another number of columns left out"),
            (empty, "with an empty text, which stay"),
        ):
            if lines:
                first = f"the first on line {lines[0]}"
                notes.append(f"{len(lines):,} rows {what}, {first}")
        pairs = zip(self.texts, self.text_pairs or self.texts, strict=True)
        distinct = len(set(pairs))
        if 20 * distinct < len(self):
            notes.append(f"only {distinct:,} of the texts differ")
        return "; ".join(notes)

    def where(self, place: int) -> str:
        """The file and the line of a text, as an error names them."""
        return f"{self.path}, line {self.lines[place]}"


def read_labelled_texts(
    path: str | Path,
    columns: Sequence[int | str],
    table: TableFormat | None = None,
    no_label: str | None = None,
) -> LabelledTexts:
    r"""Read labelled texts, and check what can be told without knowing labels.

    Args:
        path: The file, as `read_table` reads it.
        columns: Text, second text if there is one, label.
        table: How the file is written down.
        no_label: What stands for a label where there is none, such as "-" in
            SNLI and OCNLI: these rows are left out.

    Returns:
        The texts. Blanks around labels are removed; texts stay as they are.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: As of `read_table`; nothing but rows without a label; no
            text in a column of texts; quotes around every text or label;
            labels "-" that no `no_label` tells.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "pairs.jsonl")
        >>> _ = path.write_text('{"a": "x", "b": "y", "label": "-"}\n'
        ...                     '{"a": "z", "b": "y", "label": 1}\n')
        >>> rows = read_labelled_texts(path, ["a", "b", "label"], no_label="-")
        >>> rows.texts, rows.labels, rows.lines, rows.unlabelled
        (['z'], ['1'], [2], [1])
    """
    path, table = Path(path), table or TableFormat()
    if len(columns) not in (2, 3):
        raise ValueError(
            "`columns` must be text and label, or two texts and label. "
            f"Received: columns={tuple(columns)}"
        )
    if len(set(columns)) < len(columns):
        raise ValueError(
            "`columns` must be different ones: a label that is also the text "
            f"teaches nothing. Received: columns={tuple(columns)}"
        )
    lines, rows, dropped, unlabelled = [], [], [], []
    for line, row in _with_labels(
        read_table(path, columns, table, dropped, columns[:-1]), columns[-1]
    ):
        label = row[-1].strip().strip("\ufeff")
        if label == no_label:
            unlabelled.append(line)
            continue
        lines.append(line)
        rows.append((*row[:-1], label))
    if not rows:
        raise ValueError(
            f"{path}: no row has a label. "
            f"{len(unlabelled)} are {no_label!r}, {len(dropped)} are ragged"
        )
    texts, *second, labels = map(list, zip(*rows, strict=True))
    found = LabelledTexts(
        path,
        lines,
        texts,
        second[0] if second else None,
        labels,
        dropped,
        unlabelled,
    )
    _check_texts(found, columns, table)
    if no_label is None:
        _check_none(found)
    return found


def _check_none(rows: LabelledTexts) -> None:
    """Refuse labels that stand for none, but a minus beside a plus."""
    for none in dict.fromkeys(rows.labels):
        if none.lower() not in _NO_LABELS or set(rows.labels) == {none}:
            continue
        if none == "-" and "+" in rows.labels:
            continue
        raise ValueError(
            f"{rows.where(rows.labels.index(none))}: the label is "
            f"{none!r}, as some data sets write where there is none. "
            f"Leave these rows out with `no_label` {none}. Where it is a "
            "class, give `no_label` another string that does not occur."
        )


def _with_labels(
    rows: Iterator[TableRow], label: int | str
) -> Iterator[TableRow]:
    try:
        yield from rows
    except ValueError as error:
        if "`columns` must" in str(error) and f": {label!r};" in str(error):
            raise ValueError(
                f"{error} A file without labels can be predicted, and neither "
                "learned from nor scored."
            ) from error
        raise


def _check_texts(
    rows: LabelledTexts, columns: Sequence[int | str], table: TableFormat
) -> None:
    values = [rows.texts, rows.text_pairs or rows.texts, rows.labels]
    for column, texts in zip(columns[:-1], values, strict=False):
        if not any(text.strip() for text in texts):
            raise ValueError(
                f"{rows.where(0)}: column {column!r} of `columns` holds no "
                "text in any row."
            )
        if len(texts) > 1 and set(texts) <= {"0", "1"}:
            raise ValueError(
                f"{rows.where(0)}: column {column!r} of `columns` holds 0 and "
                "1 alone, and no texts. Are the columns of texts and labels "
                "swapped? Where each label has a column, write "
                "the names of a text's labels into one, such as 'rain,wind', "
                "for `multi_label`."
            )
        if len(texts) >= 10 and all(map(_ID.fullmatch, texts)):
            raise ValueError(
                f"{rows.where(0)}: column {column!r} of `columns` looks like "
                f"numbers of rows, not texts. Received: {texts[:3]}"
            )
    if table.quoting or table.literal_quotes:
        return
    enclosed = re.compile('".*"', re.DOTALL)
    for texts in values:
        if len(texts) > 1 and all(map(enclosed.fullmatch, texts)):
            raise ValueError(
                f"{rows.where(0)}: a column has quotes around every row. "
                "`quoting` takes them off, `literal_quotes` leaves them. "
                f"Received: {texts[0][:60]!r}"
            )
