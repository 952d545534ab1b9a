"""Labelled texts in memory, each with its line in the file."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_ctx.data.tables.table_format import TableFormat
from keras_ctx.data.tables.tables import TableRow, read_table

# What some data sets, pandas and Excel write where there is no label. SNLI and
# OCNLI write "-" where the annotators did not agree.
_NO_LABELS = {"-", "nan", "<na>", "null", "#n/a"}
# A word with a digit, such as 17, gj04 or train-17.
_ID = re.compile(r"[A-Za-z_-]*\d[\w.-]{0,15}", re.ASCII)


@dataclass(frozen=True)
class LabelledTexts:
    """The texts or text pairs of a file, and their labels as written.

    Attributes:
        path: The file.
        lines: The line number of each text.
        texts: The texts.
        text_pairs: The second text of each pair, or `None`.
        labels: The labels, without surrounding blanks.
        dropped: Line numbers of ragged rows that were left out.
        unlabelled: Line numbers of rows without a label, which were left out.

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
        """Returns the texts at these indices, in the given order."""
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
        """Returns the first `number` texts, or all for `None`."""
        return self.at(range(len(self))[:number])

    def sample(self, number: int | None, seed: int = 0) -> "LabelledTexts":
        """Returns `number` random texts in file order, or all for `None`."""
        if number is None or number >= len(self):
            return self
        places = random.Random(seed).sample(range(len(self)), number)
        return self.at(sorted(places))

    def summary(self) -> str:
        """Returns a sentence about the number of texts and what is unusual."""
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
            (empty, "with an empty text, which are kept"),
        ):
            if lines:
                first = f"the first on line {lines[0]}"
                notes.append(f"{len(lines):,} rows {what}, {first}")
        pairs = zip(self.texts, self.text_pairs or self.texts, strict=True)
        distinct = len(set(pairs))
        if 20 * distinct < len(self):
            notes.append(f"only {distinct:,} different texts")
        return "; ".join(notes)

    def where(self, place: int) -> str:
        """Returns the file and the line of a text, for error messages."""
        return f"{self.path}, line {self.lines[place]}"


def read_labelled_texts(
    path: str | Path,
    columns: Sequence[int | str],
    table: TableFormat | None = None,
    no_label: str | None = None,
) -> LabelledTexts:
    r"""Reads labelled texts, and checks all that is independent of labels.

    Args:
        path: A file that `read_table` can read.
        columns: The columns of the text, the second text of a text pair, and
            the label.
        table: The format of the file.
        no_label: The mark of a row without a label, such as "-" in SNLI and
            OCNLI. These rows are left out.

    Returns:
        The texts. Blanks around labels are removed; texts are unchanged.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: `read_table` refuses the file; no row has a label; a
            column of texts is empty; every text or label is in quotes; a label
            such as "-" occurs and `no_label` is not given.

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
            "`columns` must be different columns: a label must not be the "
            f"text itself. Received: columns={tuple(columns)}"
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
    check_texts(found, columns, table)
    if no_label is None:
        _check_none(found)
    return found


def _check_none(rows: LabelledTexts) -> None:
    """Refuses labels that mean no label, except a minus beside a plus."""
    for none in dict.fromkeys(rows.labels):
        if none.lower() not in _NO_LABELS or set(rows.labels) == {none}:
            continue
        if none == "-" and "+" in rows.labels:
            continue
        raise ValueError(
            f"{rows.where(rows.labels.index(none))}: the label is "
            f"{none!r}, which some data sets write where there is no label. "
            f"Leave these rows out with `no_label` {none}. If it is a class, "
            "set `no_label` to a string that does not occur."
        )


def _with_labels(
    rows: Iterator[TableRow], label: int | str
) -> Iterator[TableRow]:
    try:
        yield from rows
    except ValueError as error:
        if "`columns` must" in str(error) and f": {label!r};" in str(error):
            raise ValueError(
                f"{error} A file without labels can be used for prediction, "
                "but not for training or scores."
            ) from error
        raise


def check_texts(
    rows: LabelledTexts, columns: Sequence[int | str], table: TableFormat
) -> None:
    """Refuses columns that hold no texts, or quotes around all of them."""
    values = [rows.texts, rows.text_pairs or rows.texts, rows.labels]
    for column, texts in zip(columns[:-1], values, strict=False):
        if not any(text.strip() for text in texts):
            raise ValueError(
                f"{rows.where(0)}: column {column!r} of `columns` holds no "
                "text in any row."
            )
        if len(texts) > 1 and set(texts) <= {"0", "1"}:
            raise ValueError(
                f"{rows.where(0)}: column {column!r} of `columns` holds only "
                "0 and 1, no texts. Are the columns of texts and labels "
                "swapped? If each label has its own column, write the names "
                "of a text's labels into one column, such as 'rain,wind', "
                "for `multi_label`."
            )
        if len(texts) >= 10 and all(map(_ID.fullmatch, texts)):
            raise ValueError(
                f"{rows.where(0)}: column {column!r} of `columns` looks like "
                f"row numbers, not texts. Received: {texts[:3]}"
            )
    if table.quoting or table.literal_quotes:
        return
    enclosed = re.compile('".*"', re.DOTALL)
    for texts in values:
        if len(texts) > 1 and all(map(enclosed.fullmatch, texts)):
            raise ValueError(
                f"{rows.where(0)}: a column has quotes around every row. "
                "`quoting` removes them, `literal_quotes` keeps them. "
                f"Received: {texts[0][:60]!r}"
            )
