"""The meaning of a text's labels: one class, a set of labels, or a number.

Each task checks files, converts labels to targets, decodes logits and
computes scores.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from keras_ctx.data.readers.lines import label_ids
from keras_ctx.data.tables.label_checks import (
    check_classes,
    check_header,
    check_many,
    check_no_hot,
    check_seen,
    check_spelling,
    check_written,
    numbers,
)
from keras_ctx.data.tables.label_sets import multi_hot, split_labels
from keras_ctx.data.tables.labelled_texts import LabelledTexts
from keras_ctx.evaluation.classification import (
    classification_scores,
    multi_label_scores,
    regression_scores,
)

Files = Mapping[str, LabelledTexts]


class Classification:
    """One class per text.

    Args:
        labels: The classes, in the order of their ids.

    Example:
        >>> task = Classification(["bad", "good"])
        >>> task.predictions(np.array([[0.1, 2.0]]))
        ['good']
    """

    name = "classification"
    metrics = ("accuracy", "f1", "f1_macro", "matthews")

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)
        self.num_outputs = len(self.labels)

    @classmethod
    def of(cls, files: Files, find_header: bool = False) -> "Classification":
        """Checks files, and returns the task with the classes of "train".

        Args:
            files: The files by name. One is "train".
            find_header: Whether to look for a first row of column names.

        Raises:
            ValueError: A label cannot be learned or scored. The message names
                the file and the line.
        """
        labels = {name: rows.labels for name, rows in files.items()}
        if find_header:
            check_header(files, labels)
        check_classes(files, labels)
        return cls(sorted(set(labels["train"])))

    def targets(self, rows: LabelledTexts) -> list[int]:
        """Returns class ids, `(n,)`."""
        return label_ids(rows.labels, self.labels)

    def absent(self, rows: LabelledTexts) -> list[str]:
        """Returns the labels that none of the texts has."""
        found = set(rows.labels)
        return [label for label in self.labels if label not in found]

    def predictions(self, logits: np.ndarray) -> list[str]:
        """Returns the most likely class of each row."""
        return [self.labels[i] for i in logits.argmax(-1)]

    def scores(self, targets: Any, logits: np.ndarray) -> dict[str, float]:
        """Returns scores; see `classification_scores`."""
        return classification_scores(targets, logits.argmax(-1))

    def majority(self, targets: Any) -> np.ndarray:
        """Returns logits of the most frequent class; of equals, the first."""
        best = Counter(targets).most_common(1)[0][0]
        return np.eye(self.num_outputs)[best]


class MultiLabel:
    """Any number of labels per text: those with a probability over 0.5.

    Args:
        labels: The labels, in the order of their ids.
        separator: The separator between two labels in a column.

    Example:
        >>> task = MultiLabel(["rain", "wind"])
        >>> task.predictions(np.array([[0.1, 2.0], [-1.0, -0.5]]))
        ['rain,wind', '']
    """

    name = "multi_label"
    metrics = ("f1_micro", "f1_macro", "accuracy")

    def __init__(self, labels: Sequence[str], separator: str = ",") -> None:
        check_separator(separator)
        self.labels = list(labels)
        self.num_outputs = len(self.labels)
        self.separator = separator

    @classmethod
    def of(
        cls, files: Files, find_header: bool = False, separator: str = ","
    ) -> "MultiLabel":
        """Like `Classification.of`."""
        check_separator(separator)
        if find_header:
            check_header(files, {k: rows.labels for k, rows in files.items()})
        for rows in files.values():
            check_no_hot(rows, separator)
        single = {k: _one_a_label(rows, separator) for k, rows in files.items()}
        train = single["train"]
        labels = sorted(set(train.labels))
        _check_sets(files["train"], train, separator)
        for rows in single.values():
            check_written(rows, rows.labels)
        check_spelling(train, train.labels)
        check_seen(
            single, {k: rows.labels for k, rows in single.items()}, set(labels)
        )
        return cls(labels, separator)

    def targets(self, rows: LabelledTexts) -> np.ndarray:
        """Returns zeros and ones, float32 `(n, K)`."""
        sets = [split_labels(label, self.separator) for label in rows.labels]
        return multi_hot(sets, self.labels)

    def absent(self, rows: LabelledTexts) -> list[str]:
        """Returns the labels that none of the texts has."""
        counts = self.targets(rows).sum(0).tolist()
        return [x for x, n in zip(self.labels, counts, strict=True) if not n]

    def written(self, rows: LabelledTexts) -> list[str]:
        """Returns the labels of each text, joined by the separator."""
        sets = [split_labels(label, self.separator) for label in rows.labels]
        return [self.separator.join(labels) for labels in sets]

    def predictions(self, logits: np.ndarray) -> list[str]:
        """Returns the labels of each row, joined by the separator."""
        names = np.array(self.labels, object)
        return [self.separator.join(names[row > 0]) for row in logits]

    def scores(self, targets: Any, logits: np.ndarray) -> dict[str, float]:
        """Returns scores; see `multi_label_scores`."""
        return multi_label_scores(targets, logits > 0)

    def majority(self, targets: Any) -> np.ndarray:
        """Returns logits of the labels that over half of the texts have."""
        return np.asarray(targets).mean(0) - 0.5


class Regression:
    """A number per text.

    Example:
        >>> Regression().predictions(np.array([[4.5]]))
        ['4.5']
    """

    name = "regression"
    metrics = ("pearson_spearman", "pearson", "spearman")
    labels: list[str] = []
    num_outputs = 1

    @classmethod
    def of(cls, files: Files) -> "Regression":
        """Like `Classification.of`."""
        for rows in files.values():
            numbers(rows)
        return cls()

    def targets(self, rows: LabelledTexts) -> list[float]:
        """Returns the numbers, `(n,)`."""
        return [float(label) for label in rows.labels]

    def absent(self, rows: LabelledTexts) -> list[str]:
        return []

    def predictions(self, logits: np.ndarray) -> list[str]:
        """Returns the numbers as text."""
        return [str(number) for number in logits[:, 0]]

    def scores(self, targets: Any, logits: np.ndarray) -> dict[str, float]:
        """Returns scores; see `regression_scores`."""
        return regression_scores(targets, logits[:, 0])

    def majority(self, targets: Any) -> np.ndarray:
        """Returns the mean, which has no correlation with the targets."""
        return np.array([np.mean(targets)])


TextTask = Classification | MultiLabel | Regression


def check_separator(separator: str) -> None:
    """Refuses a separator that would break the lines of written files."""
    if not separator or set(separator) & set("\t\r\n"):
        raise ValueError(
            "`label_separator` must be characters without a tab or a line "
            f"break. Received: label_separator={separator!r}"
        )


def _one_a_label(rows: LabelledTexts, separator: str) -> LabelledTexts:
    """Repeats each text, with its line, for each of its labels."""
    places, labels = [], []
    for place, value in enumerate(rows.labels):
        try:
            found = split_labels(value, separator)
        except ValueError as error:
            raise ValueError(f"{rows.where(place)}: {error}") from error
        places += [place] * len(found)
        labels += found
    return replace(rows.at(places), labels=labels)


def _check_sets(
    rows: LabelledTexts, single: LabelledTexts, separator: str
) -> None:
    """Refuses equal labels in all training texts, and far too many."""
    labels = set(single.labels)
    sets = {frozenset(split_labels(x, separator)) for x in rows.labels}
    if len(sets) < 2:
        raise ValueError(
            f"{rows.path}: all {len(rows)} texts have the same labels, "
            f"{sorted(labels)}: there is nothing to learn."
        )
    check_many(rows, len(labels), len(rows))
    for place, label in enumerate(single.labels):
        if separator in label:
            raise ValueError(
                f"{single.where(place)}: the label {label!r} holds the "
                "`label_separator`, which separates labels in written files. "
                f"Choose another. Received: label_separator={separator!r}"
            )
    if all(len(found) < 2 for found in sets):
        for place, label in enumerate(single.labels):
            if set(label) & set(",;|"):
                raise ValueError(
                    f"{single.where(place)}: no text has more than one label, "
                    "and this one looks like several. Set "
                    "`label_separator` to what separates them. "
                    f"Received: {label!r}"
                )
