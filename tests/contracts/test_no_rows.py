"""A batch without rows: nothing in, nothing out, gradients of zero.

A device gets none of a last batch that has fewer rows than there are devices.
"""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import layer_cases
import model_cases
import numpy as np
import pytest
from answer_saved_models import flat
from backends import BACKEND, gradients
from keras import ops
from layer_cases import Case
from model_cases import INPUTS, ModelCase

every_layer = pytest.mark.parametrize(
    "case", layer_cases.CASES, ids=lambda case: case.name
)
every_model = pytest.mark.parametrize(
    "case", model_cases.CASES, ids=lambda case: case.name
)
in_training = pytest.mark.parametrize("training", [False, True])


def without_rows(value: np.ndarray, axes: str) -> np.ndarray:
    return value[:0] if axes.startswith("B") else value


def traced(call: Callable[[dict], Any], inputs: dict[str, np.ndarray]):
    """`call` on inputs, of which the graph does not know the rows."""
    if BACKEND != "tensorflow":
        return call(inputs)
    import tensorflow as tf

    rows = {
        name: tf.TensorSpec(
            (value.shape[0] or None, *value.shape[1:]), value.dtype
        )
        for name, value in inputs.items()
    }
    known = {name: tf.constant(value) for name, value in inputs.items()}
    return tf.function(call, input_signature=[rows])(known)


def assert_empty(found, full, axes: str) -> None:
    assert axes.startswith("B")
    assert tuple(found.shape) == (0, *full.shape[1:])
    assert found.dtype == full.dtype


def assert_zero(
    layer: keras.layers.Layer, call: Callable[[], list], inputs: dict
) -> None:
    """The gradients of a sum over all that is put out."""

    def loss():
        floats = [ops.cast(x, "float32") for x in call()]
        return sum(ops.sum(x) for x in floats)

    if not layer.trainable_weights:
        return
    for path, gradient in gradients(layer, loss).items():
        if gradient is not None:
            np.testing.assert_array_equal(gradient, 0, path)


@in_training
@every_layer
def test_layer(case: Case, training: bool) -> None:
    layer = case.create()
    more: dict[str, Any] = dict(case.call)
    if "training" in inspect.signature(layer.call).parameters:
        more.setdefault("training", training)
    full = {name: each.value for name, each in case.flat_arguments.items()}
    few = {
        name: without_rows(each.value, each.axes)
        for name, each in case.flat_arguments.items()
    }

    def call(arrays: dict) -> list:
        return keras.tree.flatten(layer(**case.nested(arrays), **more))

    expected = call(full)
    before = layer.get_weights()
    for run in (call, lambda arrays: traced(call, arrays)):
        for found, one, axes in zip(
            run(few), expected, case.outputs, strict=True
        ):
            assert_empty(found, one, axes)
    # A carried state is that of the batch before.
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert_zero(layer, lambda: call(few), few)
    assert_zero(layer, lambda: traced(call, few), few)


@in_training
@every_model
def test_model(case: ModelCase, training: bool) -> None:
    model = case.create()
    full = {name: value for name, (value, *_) in INPUTS[case.family].items()}
    few = {
        name: without_rows(value, axes)
        for name, (value, axes, _) in INPUTS[case.family].items()
    }

    def call(arrays: dict) -> dict:
        return model(arrays, training=training)

    expected = flat(call(full))
    before = model.get_weights()
    for run in (call, lambda arrays: traced(call, arrays)):
        found = flat(run(few))
        assert found.keys() == expected.keys()
        for key, one in expected.items():
            assert_empty(found[key], one, case.outputs[key.split("/")[0]])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert_zero(model, lambda: keras.tree.flatten(call(few)), few)
    assert_zero(model, lambda: keras.tree.flatten(traced(call, few)), few)
