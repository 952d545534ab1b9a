"""Rows in which a search may find another text, because of rounding.

A text is searched token by token: where two tokens are equally good up to
rounding, another may be taken, and all that follows differs. Such a row cannot
be compared. It is found by moving the weights as little as rounding does.
"""

import numpy as np

from keras_ctx.serving.output_kinds.kind import Arrays


def changed_rows(one: Arrays, other: Arrays) -> np.ndarray:
    """Returns the rows with other texts, tokens or counts, bool `(B,)`.

    Numbers are not looked at.

    Example:
        >>> one = {"texts": np.array([["a"], ["b"]]), "scores": np.zeros(2)}
        >>> other = {"texts": np.array([["a"], ["c"]]), "scores": np.ones(2)}
        >>> changed_rows(one, other)
        array([False,  True])
    """
    rows = len(next(iter(one.values())))
    found = [
        (x != other[key]).reshape(rows, -1).any(axis=1)
        for key, x in one.items()
        if not np.issubdtype(x.dtype, np.floating)
    ]
    return np.any([np.zeros(rows, bool), *found], axis=0)


def without_rows(
    given: Arrays,
    right: Arrays,
    rows: np.ndarray | None,
    numbers: bool = False,
) -> Arrays:
    """Returns an answer in which `rows` are those of the right one.

    With `numbers` only the floating-point numbers of these rows are.
    """
    if rows is None:
        return given
    replaced = dict(given)
    for key, x in right.items():
        if numbers and not np.issubdtype(x.dtype, np.floating):
            continue
        if given[key].shape == x.shape:
            picked = rows.reshape(-1, *[1] * (x.ndim - 1))
            replaced[key] = np.where(picked, x, given[key])
    return replaced
