"""The steps of generation, from a library's own function.

Such a function takes token ids `(B, T)` and the number of new tokens, and
returns the new token ids `(B, N)`.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .step import Step, Task

Generate = Callable[[np.ndarray, int], Any]


def token_ids(inputs: dict[str, Any]) -> np.ndarray:
    return np.array(inputs["token_ids"])


def whole_step(generate: Generate, task: Task) -> Step:
    """Returns the step of all new tokens."""
    return Step(token_ids, lambda ids: generate(ids, task["new"]))


def next_token_step(generate: Generate, task: Task) -> Step:
    """Returns the step of one new token behind those of the rows.

    Its seconds are those of 1 + N new tokens without those of one, by N.
    """
    new = task["new"]

    def compute(ids):
        times = [time.perf_counter()]
        for count in (1, 1 + new):
            found = generate(ids, count)
            times.append(time.perf_counter())
        start, first, last = times
        return found, (last - first - (first - start)) / new

    return Step(
        token_ids,
        compute,
        lambda result: np.asarray(result[0]),
        seconds=lambda result: result[1],
    )
