"""NaN at padding reaches no real output and no gradient."""

from typing import Any

import keras
import numpy as np
import pytest
from backends import gradients
from keras import ops
from layer_cases import CASES, Case
from random_weights import randomized

SUBJECTS = [
    case
    for case in CASES
    if "padding_mask" in case.arguments and case.dtype != "int32"
]


def poisoned(case: Case, value: float) -> dict[str, Any]:
    """Returns the arguments with `value` in all vectors of padding."""
    mask = case.flat_arguments["padding_mask"].value

    def changed(each):
        x = each.value
        if "BTD" not in each.axes or x.shape[:2] != mask.shape:
            return x
        return np.where(mask[..., None], x, np.float32(value))

    return {
        name: [changed(x) for x in each]
        if isinstance(each, list)
        else changed(each)
        for name, each in case.arguments.items()
    }


@pytest.mark.quick("[!B]*-nan", "BiLM-nan")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("case", SUBJECTS, ids=lambda case: case.name)
def test_layer(case: Case, value: float) -> None:
    layer = case.create()
    clean = poisoned(case, 0.0)
    layer(**clean, **case.call)
    randomized(layer)
    start = layer.get_weights()
    mask = case.flat_arguments["padding_mask"].value

    def outputs(arguments):
        found = keras.tree.flatten(layer(**arguments, **case.call))
        layer.set_weights(start) if case.name.endswith("stateful") else None
        # For outputs with a token axis, only real tokens.
        return [
            ops.where(
                np.reshape(mask, (*mask.shape, *[1] * (x.ndim - 2))), x, 0
            )
            if axes.startswith("BT")
            else x
            for x, axes in zip(found, case.outputs, strict=True)
            if not axes.startswith("BH")
        ]

    def loss(arguments):
        return sum(
            ops.sum(ops.cast(x, "float32") ** 2) for x in outputs(arguments)
        )

    dirty = poisoned(case, value)
    for x, y in zip(outputs(dirty), outputs(clean), strict=True):
        np.testing.assert_array_equal(x, y)
    expected = gradients(layer, lambda: loss(clean))
    found = gradients(layer, lambda: loss(dirty))
    for path, gradient in expected.items():
        if gradient is not None:
            np.testing.assert_allclose(
                np.asarray(found[path]), gradient, 1e-5, 1e-5, err_msg=path
            )
