"""Two answers to the same request, compared as far as they have a meaning."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ctx.serving.output_kinds.bound import Bound
from keras_ctx.serving.output_kinds.kind import Arrays, Comparison, Difference
from keras_ctx.serving.verify.witness import Answer


def compared(
    given: Arrays,
    right: Answer,
    bounds: Mapping[str, Bound],
    model_bounds: Mapping[str, Bound],
    inputs: Mapping[str, Any],
) -> dict[str, Difference]:
    """The differences between an answer and the right one, by output.

    Where outputs have another shape, only they are named.

    Args:
        given: The outputs to be judged.
        right: The right answer.
        bounds: Those of its outputs that are numbers.
        model_bounds: Those of the model's own outputs.
        inputs: What was asked.
    """
    misshapen = {
        key: Difference(np.inf, np.inf)
        for key, expected in right.outputs.items()
        if given[key].shape != expected.shape
    }
    if misshapen:
        return misshapen
    pair = Comparison(
        given,
        right.outputs,
        right.kinds,
        bounds,
        right.model,
        model_bounds,
        right.real,
        inputs,
    )
    return {key: right.kinds[key].difference(key, pair) for key in pair.right}
