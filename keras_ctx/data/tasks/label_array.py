"""Labels of texts as one array: class ids, numbers, or zeros and ones."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

Labels = Sequence[int] | Sequence[float] | Sequence[Sequence[int]] | np.ndarray


def label_array(labels: Any) -> np.ndarray:
    """Returns class ids as int32 `(n,)`; numbers or multi-hot as float32."""
    array = np.asarray(labels)
    if array.ndim == 2:
        if not np.isin(array, (0, 1)).all():
            raise ValueError(
                "Several `labels` per text must be zeros and ones. Received: "
                f"{array[~np.isin(array, (0, 1))][0]}"
            )
        return array.astype("float32")
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        wrong = (i for i, x in enumerate(labels) if not isinstance(x, Real))
        row = next(wrong, 0)
        raise ValueError(
            "`labels` must hold a class id or a number per text, or rows of "
            f"zeros and ones of equal length. Received: {labels[row]!r} in row "
            f"{row}"
        )
    if array.dtype.kind == "f":
        _check(np.isfinite(array), array, "finite numbers")
        return array.astype("float32")
    _check(array >= 0, array, "class ids of at least 0")
    return array.astype("int32")


def _check(right: np.ndarray, array: np.ndarray, rule: str) -> None:
    if not right.all():
        row = int(np.argmin(right))
        raise ValueError(
            f"`labels` must be {rule}. Received: {array[row]} in row {row}"
        )
