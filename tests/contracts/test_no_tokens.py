"""A batch of texts without any token, T = 0: nothing in, nothing out."""

from typing import Any

import keras
import layer_cases
import numpy as np
import pytest
from backends import BACKEND, gradients
from keras import ops
from layer_calls import built, call
from layer_cases import Case


def without_tokens(case: Case) -> dict[str, np.ndarray]:
    """Returns the arrays of a case with T = 0; marked rows keep markers."""

    def cut(value: np.ndarray, axes: str) -> np.ndarray:
        if case.name == "StripSentenceMarkers" and value.ndim == 3:
            return value[:, : value.shape[1] - layer_cases.T]
        return value[tuple(slice(0 if axis == "T" else None) for axis in axes)]

    return {
        name: cut(each.value, each.axes)
        for name, each in case.flat_arguments.items()
    }


def unknown_length(function: Any, case: Case, flat: dict) -> list:
    """Returns `function` in a graph with unknown B and T."""
    if BACKEND != "tensorflow":
        return function(flat)
    import tensorflow as tf

    signature = {
        name: tf.TensorSpec(
            [
                None if axis in "BTM" else size
                for axis, size in zip(each.axes, each.value.shape, strict=True)
            ],
            each.value.dtype,
        )
        for name, each in case.flat_arguments.items()
    }
    known = {name: tf.constant(value) for name, value in flat.items()}
    return tf.function(function, input_signature=[signature])(known)


NO_ANSWER = {
    "GatherPositions": "there is nothing that could stand at a position",
    "ProjectedLSTMCell in RNN": "Keras's RNN itself fails; BiLM does not",
}
CASES = layer_cases.slow_variants(
    case for case in layer_cases.CASES if case.name not in NO_ANSWER
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_token_in_and_none_out(case: Case) -> None:
    layer = built(case)
    before = layer.get_weights()
    few = without_tokens(case)
    sizes = {"B": layer_cases.B, "T": 0, "K": 0, "S": 2, "M": 4, "H": 3}
    outputs: list = []

    def loss():
        outputs[:] = call(case, layer, few)
        return sum(ops.sum(ops.cast(x, "float32")) for x in outputs)

    if layer.trainable_weights:
        for path, gradient in gradients(layer, loss).items():
            if gradient is not None:
                assert np.isfinite(gradient).all(), path
                if "T" in case.outputs[0]:
                    np.testing.assert_array_equal(gradient, 0, path)
    else:
        loss()
    whole = call(
        case,
        layer,
        {
            name: keras.KerasTensor(each.value.shape, each.value.dtype.name)
            for name, each in case.flat_arguments.items()
        },
    )
    in_graph = unknown_length(lambda flat: call(case, layer, flat), case, few)
    for found in (outputs, in_graph):
        for x, axes, s in zip(found, case.outputs, whole, strict=True):
            assert len(x.shape) == len(axes)
            for size, axis, other in zip(x.shape, axes, s.shape, strict=True):
                assert size == sizes.get(axis, other)
            assert keras.backend.standardize_dtype(x.dtype) == s.dtype
            assert (
                "int" in s.dtype
                or np.isfinite(
                    ops.convert_to_numpy(ops.cast(x, "float32"))
                ).all()
            )
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
