"""The files of a task on texts, read and checked together."""

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
    """What the columns of a table of texts are, and how it is written down.

    A recipe's configuration inherits its options. See `TableFormat` for the
    rest of them.

    Raises:
        ValueError: Not two or three columns, or both `regression` and
            `multi_label`.

    Example:
        >>> options = TextTaskFormat(columns=("a", "b", "y"), regression=True)
        >>> options.kind, options.metrics
        ('regression', ('pearson_spearman', 'pearson', 'spearman'))
        >>> options.settings()["pair"]
        True
    """

    columns: tuple[str, ...] = ("0", "1")
    """Text, second text if there is one, label: numbers counted from 0, or
    names in the first line (in JSON: keys)."""
    no_label: str | None = None
    """What stands in the place of a label where there is none, such as - in
    SNLI and OCNLI; these rows are left out."""
    regression: bool = False
    """Whether labels are numbers to predict, not classes."""
    multi_label: bool = False
    """Whether a text has any number of labels, also none."""
    label_separator: str = ","
    """What stands between two labels of a text; lists in JSON need none."""

    def __post_init__(self):
        super().__post_init__()
        if len(self.columns) not in (2, 3):
            raise ValueError(
                "`columns` must be text and label, or two texts and label. "
                "Where each label has a column of 0 and 1, write the names of "
                "a text's labels into one, for `multi_label`. "
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
        """The scores that there are, the usual one first."""
        return _TASKS[self.kind].metrics

    def read(
        self, paths: Mapping[str, str | Path | None]
    ) -> tuple[dict[str, LabelledTexts], TextTask]:
        """Files that are written so: see `read_text_task`."""
        return read_text_task(
            paths,
            self.columns,
            self.kind,
            table=self,
            no_label=self.no_label,
            label_separator=self.label_separator,
        )

    def settings(self) -> dict[str, Any]:
        """What who reads the run later must know, as JSON: `task.json`."""
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
    """Read all files of a task, and refuse what would be wrong later.

    Args:
        paths: Of the files, by name; one is "train", and `None` is no file.
        columns: Text, second text if there is one, label: numbers counted from
            0, as strings, or names.
        kind: What labels mean.
        table: How the files are written down, where that cannot be seen.
        no_label: What stands for a label where there is none.
        label_separator: For "multi_label", what stands between two labels.

    Returns:
        The texts by name of the file, and the task, which knows the labels.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: As of `read_labelled_texts`. A first row of names taken for
            data. A label that is empty, that training does not show, or nearly
            the same as another; one class, one set of labels or one number
            only; columns that look swapped; a number that is none. The message
            names the file and the line.

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
    """Refuse texts that are too few to learn from; say which labels lack.

    Args:
        task: The task, with the labels of all texts.
        rows: The texts to learn from, which may be a sample of them.
        texts_per_update: Texts a step, times the steps of an update.
        every_label: Whether each label must have a text, as
            `balanced_class_weights` needs it.

    Raises:
        ValueError: Fewer texts than one update takes, labels without a text
            where that matters, or one class left.

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
            "from. Take more texts. Received: none of "
            f"{', '.join(absent[:10])}"
        )
    targets = np.asarray(task.targets(rows))
    if len(rows) > 1 and (targets == targets[0]).all():
        raise ValueError(
            f"{rows.path}: all {len(rows)} texts to learn from have the same "
            f"label, {rows.labels[0]!r}: there is nothing to learn. Take more "
            "texts."
        )
    if absent:
        print(f"{rows.path}: no text to learn from is of {', '.join(absent)}")
    if len(rows) < texts_per_update:
        raise ValueError(
            f"{rows.path}: {len(rows)} texts are fewer than the "
            f"{texts_per_update} of one update. Lower `batch_size` or "
            "`gradient_accumulation_steps`."
        )
