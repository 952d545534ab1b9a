"""Compares two answers to the same request."""

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
    """Returns the differences between an answer and the right one, by output.

    If outputs have another shape, only these are returned.

    Args:
        given: The outputs to check.
        right: The right answer.
        bounds: Bounds of its floating-point outputs.
        model_bounds: Bounds of the model's own outputs.
        inputs: The inputs of the request.
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
