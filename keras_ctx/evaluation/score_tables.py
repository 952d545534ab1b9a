"""Formats the scores of classes, and confusion matrices, as text tables."""

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

# A wider matrix is no longer readable in a terminal.
_MOST_CLASSES = 12
_MOST_CONFUSIONS = 20


def score_table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Formats precision, recall, F1 and support of each class, one per line.

    Args:
        scores: As `class_scores` returns them.

    Returns:
        A table; its columns line up for Chinese labels, too.

    Example:
        >>> print(score_table({"yes": {
        ...     "precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2}}))
             precision  recall     f1  support
        yes      1.000   0.500  0.667        2
    """
    names = ["precision", "recall", "f1", "support"]
    rows = [["", *names]]
    for label, found in scores.items():
        shares = [f"{found[name]:.3f}" for name in names[:-1]]
        rows.append([label, *shares, str(int(found["support"]))])
    return _aligned(rows)


def confusion_table(matrix: np.ndarray, labels: Sequence[str]) -> str:
    """Formats a confusion matrix, or its most frequent confusions.

    Args:
        matrix: Integers `(K, K)`, as `confusion_matrix` returns them.
        labels: The K classes.

    Returns:
        A table with a row for each true class and a column for each
        predicted class; for more than 12 classes the most frequent
        confusions, one per line.

    Example:
        >>> print(confusion_table(np.array([[3, 1], [0, 2]]), ["no", "yes"]))
        true \\ predicted  no  yes
        no                 3    1
        yes                0    2
    """
    if len(labels) <= _MOST_CLASSES:
        rows = [["true \\ predicted", *labels]]
        for label, counts in zip(labels, matrix, strict=True):
            rows.append([label, *map(str, counts)])
        return _aligned(rows)
    wrong = matrix * (1 - np.eye(len(labels), dtype=int))
    # Stable, so that equal counts keep the order of the labels.
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    rows = [["true", "predicted", "texts"]]
    for true, predicted in zip(
        *np.unravel_index(order, wrong.shape), strict=True
    ):
        count = wrong[true, predicted]
        if count:
            names = [str(labels[i]) for i in (true, predicted)]
            rows.append([*names, str(count)])
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            " " * (width - _width(cell)) + cell
            for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        lines.append(
            "  ".join([row[0] + " " * (widths[0] - _width(row[0])), *cells])
        )
    return "\n".join(line.rstrip() for line in lines)


def _width(text: str) -> int:
    """Returns the terminal columns of a text, two per Chinese character."""
    return sum(
        0
        if unicodedata.combining(x)
        else 2
        if unicodedata.east_asian_width(x) in "WF"
        else 1
        for x in text
    )
