"""What a module of `peers` gives for a work, and what it is asked for."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np

# Equal for all. With a higher rate three steps from random weights differ by
# more than rounding.
LEARNING_RATE, WEIGHT_DECAY = 1e-5, 0.01
# The default of Keras.
EPSILON = 1e-7
# Of SGD on an AWD-LSTM.
AWD_RATE = 1.0


class Task(TypedDict):
    """What a worker prepares."""

    kind: str
    """Key of `STEPS`."""
    folder: str
    """Folder of the model."""
    policy: str
    """float32, bfloat16 (weights, too) or mixed_bfloat16 (float32 weights)."""
    threads: int
    variant: str
    """Such as "eager" and "sdpa" of one library."""
    dropout: float
    max_length: int
    """Most tokens of a text."""
    rows: int
    """Rows of a step."""
    new: int
    """Tokens to generate for each row."""
    scratch: str
    """Folder for files of this worker."""


class Step(NamedTuple):
    """One measured step: only `compute` is timed."""

    feed: Callable[[dict[str, Any]], Any]
    """Converts the inputs to the library's own."""
    compute: Callable[[Any], Any]
    """Does the work, and returns when it is done."""
    fetch: Callable[[Any], np.ndarray] = np.asarray
    """Converts the result for the comparison."""
    seconds: Callable[[Any], float] | None = None
    """The seconds to report; `None`: those of `compute`."""


def real_tokens(lengths: list[int], width: int) -> np.ndarray:
    """Returns the padding mask `(B, T)`, true at real tokens."""
    return np.arange(width) < np.array(lengths)[:, None]


def distinct_words(
    *windows: Sequence[Sequence[str]],
) -> tuple[list[str], np.ndarray]:
    """Returns the distinct words, and their indices in each window."""
    words, ids = np.unique(np.array(windows), return_inverse=True)
    return words.tolist(), ids.reshape(np.shape(windows)).astype("int32")
