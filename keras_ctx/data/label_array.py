"""Labels of texts as one array: class ids, numbers, or zeros and ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Labels = Sequence[int] | Sequence[float] | Sequence[Sequence[int]] | np.ndarray


def label_array(labels: Any) -> np.ndarray:
    """Class ids int32 `(n,)`; numbers, or zeros and ones, float32."""
    array = np.asarray(labels)
    if array.ndim == 2:
        if not np.isin(array, (0, 1)).all():
            raise ValueError(
                "`labels` of several a text must be zeros and ones. Received: "
                f"{array[~np.isin(array, (0, 1))][0]}"
            )
        return array.astype("float32")
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise ValueError(
            "`labels` must hold a class id or a number a text, or rows of "
            "zeros and ones of one length. Received: an array of shape "
            f"{array.shape} and dtype {array.dtype}"
        )
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise ValueError(
                "`labels` must be finite numbers. Received: "
                f"{array[~np.isfinite(array)][0]} at position "
                f"{int(np.argmin(np.isfinite(array)))}"
            )
        return array.astype("float32")
    if array.min() < 0:
        raise ValueError(
            "`labels` must be class ids of at least 0. Received: "
            f"{array.min()} at position {int(array.argmin())}"
        )
    return array.astype("int32")
