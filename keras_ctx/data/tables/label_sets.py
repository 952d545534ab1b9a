"""Several labels per text: reading them, and as zeros and ones."""

import ast
from collections.abc import Sequence

import numpy as np

from keras_ctx.data.readers.lines import label_ids
from keras_ctx.files.json_text import load_json


def split_labels(value: str, separator: str = ",") -> list[str]:
    """Returns the distinct labels in a column, in order.

    Args:
        value: Labels with separators between them; a list in JSON or Python
            syntax; or nothing, for a text without a label.
        separator: The separator between two labels.

    Returns:
        The labels, without surrounding blanks.

    Raises:
        ValueError: The list is invalid, or holds anything but strings and
            numbers.

    Example:
        >>> split_labels("rain, wind")
        ['rain', 'wind']
        >>> split_labels('["rain, heavy"]'), split_labels("")
        (['rain, heavy'], [])
    """
    return list(dict.fromkeys(listed_labels(value, separator)))


def listed_labels(value: str, separator: str = ",") -> list[str]:
    """Like `split_labels`, but keeps repeated labels.

    Example:
        >>> listed_labels("[1, 0, 1]")
        ['1', '0', '1']
    """
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        found = _listed(value)
    else:
        found = value.split(separator)
    labels = [str(label).strip() for label in found]
    return [label for label in labels if label]


def _listed(value: str) -> list:
    try:
        found = load_json(value)
    except ValueError:
        try:
            found = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise ValueError(
                f"the list of labels cannot be read: {value[:60]!r}"
            ) from None
    if not isinstance(found, list) or any(
        isinstance(label, list | dict | None.__class__) for label in found
    ):
        raise ValueError(
            f"a list of labels must hold strings. Received: {value[:60]!r}"
        )
    return found


def multi_hot(
    label_sets: Sequence[Sequence[str]], labels: Sequence[str]
) -> np.ndarray:
    """Converts sets of labels to rows of zeros and ones.

    Args:
        label_sets: The labels of each text, possibly none.
        labels: All labels that may occur, in the order of their ids.

    Returns:
        float32 `(len(label_sets), K)`, for `classification_dataset`.

    Raises:
        ValueError: A label is not in `labels`.

    Example:
        >>> multi_hot([["b"], [], ["a", "b"]], ["a", "b"])
        array([[0., 1.],
               [0., 0.],
               [1., 1.]], dtype=float32)
    """
    rows = np.zeros((len(label_sets), len(labels)), "float32")
    for row, found in zip(rows, label_sets, strict=True):
        row[label_ids(found, labels)] = 1
    return rows
