"""Reading and checking the files of a text task together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_ctx.data.tables.labelled_texts import (
    LabelledTexts,
    read_labelled_texts,
)
from keras_ctx.data.tables.table_format import TableFormat
from keras_ctx.data.tables.text_tasks import (
    Classification,
    MultiLabel,
    Regression,
    TextTask,
)

Kind = Literal["classification", "multi_label", "regression"]
_TASKS: dict[Kind, type[TextTask]] = {
    "classification": Classification,
    "multi_label": MultiLabel,
    "regression": Regression,
}


@dataclass(frozen=True)
class TextTaskFormat(TableFormat):
    """The columns of a table of texts, and its format.

    The configurations of recipes inherit these options. See `TableFormat` for
    the options of the format.

    Raises:
        ValueError: `columns` are not two or three, or both `regression` and
            `multi_label` are set.

    Example:
        >>> options = TextTaskFormat(columns=("a", "b", "y"), regression=True)
        >>> options.kind, options.metrics
        ('regression', ('pearson_spearman', 'pearson', 'spearman'))
        >>> options.settings()["pair"]
        True
    """

    columns: tuple[str, ...] = ("0", "1")
    """Columns of the text, of the second text of a text pair, and of the label:
    numbers counted from 0, or names in the first line (in JSON: keys)."""
    no_label: str | None = None
    """The mark of a row without a label, such as - in SNLI and OCNLI. These
    rows are left out."""
    regression: bool = False
    """Whether labels are numbers to predict, not classes."""
    multi_label: bool = False
    """Whether a text has any number of labels, possibly none."""
    label_separator: str = ","
    """The separator of the labels of a text. Lists in JSON need none."""

    def __post_init__(self):
        super().__post_init__()
        if len(self.columns) not in (2, 3):
            raise ValueError(
                "`columns` must be text and label, or two texts and label. "
                "If each label has its own column of 0 and 1, write the names "
                "of a text's labels into one column, for `multi_label`. "
                f"Received: columns={self.columns}"
            )
        if self.regression and self.multi_label:
            raise ValueError("Give `regression` or `multi_label`, not both.")

    @property
    def kind(self) -> Kind:
        if self.regression:
            return "regression"
        return "multi_label" if self.multi_label else "classification"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the scores, the usual one first."""
        return _TASKS[self.kind].metrics

    def read(
        self, paths: Mapping[str, str | Path | None]
    ) -> tuple[dict[str, LabelledTexts], TextTask]:
        """Reads files with these options: see `read_text_task`."""
        return read_text_task(
            paths,
            self.columns,
            self.kind,
            table=self,
            no_label=self.no_label,
            label_separator=self.label_separator,
        )

    def settings(self) -> dict[str, Any]:
        """Returns the task's settings, as JSON for `task.json`."""
        names = [field.name for field in fields(TableFormat)]
        found = asdict(self)
        return {
            "task": self.kind,
            "pair": len(self.columns) == 3,
            "columns": self.columns,
            "label_separator": self.label_separator,
            "no_label": self.no_label,
            "table": {name: found[name] for name in names},
        }


def read_text_task(
    paths: Mapping[str, str | Path | None],
    columns: Sequence[str],
    kind: Kind,
    *,
    table: TableFormat | None = None,
    no_label: str | None = None,
    label_separator: str = ",",
) -> tuple[dict[str, LabelledTexts], TextTask]:
    """Reads all files of a task, and checks them.

    Args:
        paths: The paths of the files, by name. One is "train"; `None` means
            that there is no file.
        columns: Columns of the text, of the second text of a text pair, and
            of the label: numbers counted from 0, as strings, or names.
        kind: The meaning of the labels.
        table: The format of the files, if it cannot be found from the files.
        no_label: The mark of a row without a label.
        label_separator: The separator between two labels, for "multi_label".

    Returns:
        The texts by name of the file, and the task with its labels.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: `read_labelled_texts` refuses a file; column names were
            read as data; a label is empty, does not occur in the training
            file, is nearly the same as another, or is not a number in
            regression; all labels are equal; or columns look swapped. The
            message names the file and the line.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "reviews.tsv")
        >>> _ = path.write_text("good\\tpositive\\nbad\\tnegative\\n")
        >>> files, task = read_text_task(
        ...     {"train": path, "dev": None}, ["0", "1"], "classification")
        >>> files["train"].texts, task.labels
        (['good', 'bad'], ['negative', 'positive'])
    """
    table = table or TableFormat()
    wanted = [int(c) if c.isdecimal() else c for c in columns]
    files = {
        name: read_labelled_texts(path, wanted, table, no_label)
        for name, path in paths.items()
        if path is not None
    }
    find_header = table.header is None and all(map(str.isdecimal, columns))
    if kind == "regression":
        return files, Regression.of(files)
    if kind == "multi_label":
        return files, MultiLabel.of(files, find_header, label_separator)
    return files, Classification.of(files, find_header)


def check_training_texts(
    task: TextTask,
    rows: LabelledTexts,
    texts_per_update: int,
    every_label: bool = False,
) -> None:
    """Refuses too few training texts, and prints which labels are missing.

    Args:
        task: The task, with the labels of all texts.
        rows: The training texts, which may be a sample of all texts.
        texts_per_update: Texts per step, times the steps of an update.
        every_label: Whether each label must have a text, as
            `balanced_class_weights` requires.

    Raises:
        ValueError: The texts are fewer than one update needs, a label has no
            text although `every_label` is true, or only one class is left.

    Example:
        >>> rows = LabelledTexts(Path("a.tsv"), [1], ["good"], None, ["yes"])
        >>> check_training_texts(Classification(["no", "yes"]), rows, 1)
        Traceback (most recent call last):
        ValueError: a.tsv: 1 texts leave too few labels to learn from...
    """
    absent = task.absent(rows)
    if absent and (every_label or len(task.labels) - len(absent) < 2):
        raise ValueError(
            f"{rows.path}: {len(rows)} texts leave too few labels to learn "
            "from. Use more texts. Received: no text with "
            f"{', '.join(absent[:10])}"
        )
    targets = np.asarray(task.targets(rows))
    if len(rows) > 1 and (targets == targets[0]).all():
        raise ValueError(
            f"{rows.path}: all {len(rows)} training texts have the same "
            f"label, {rows.labels[0]!r}: there is nothing to learn. Use more "
            "texts."
        )
    if absent:
        print(f"{rows.path}: no training text has {', '.join(absent)}")
    if len(rows) < texts_per_update:
        raise ValueError(
            f"{rows.path}: {len(rows)} texts are fewer than the "
            f"{texts_per_update} of one update. Lower `batch_size` or "
            "`gradient_accumulation_steps`."
        )
