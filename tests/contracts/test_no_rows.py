"""A batch without rows: nothing in, nothing out, gradients of zero.

If a last batch has fewer rows than there are devices, some devices get none.
"""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import layer_cases
import model_cases
import numpy as np
import pytest
from backends import BACKEND, gradients
from keras import ops
from layer_cases import Case
from model_cases import INPUTS, ModelCase

# One model of each kind: their layers obey the law themselves.
QUICK = {"bert_pretrainer", "elmo_encoder"}


def without_rows(value: np.ndarray, axes: str) -> np.ndarray:
    return value[:0] if axes.startswith("B") else value


def traced(call: Callable[[dict], Any], inputs: dict[str, np.ndarray]):
    """Runs `call` in a graph with an unknown number of rows."""
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


def assert_nothing_comes_out(
    layer: keras.layers.Layer,
    call: Callable[[], dict[str, Any]],
    expected: dict[str, Any],
) -> None:
    """Checks outputs without rows, gradients of 0, and an unchanged state."""
    before = layer.get_weights()
    found: dict[str, Any] = {}

    def loss():
        found.update(call())
        floats = [ops.cast(x, "float32") for x in found.values()]
        return sum(ops.sum(x) for x in floats)

    if layer.trainable_weights:
        for path, gradient in gradients(layer, loss).items():
            if gradient is not None:
                np.testing.assert_array_equal(gradient, 0, path)
    else:
        loss()
    assert found.keys() == expected.keys()
    for key, one in expected.items():
        assert len(found[key].shape) == len(one.shape)
        assert found[key].shape[0] == 0
        for size, wanted in zip(
            found[key].shape[1:], one.shape[1:], strict=True
        ):
            assert wanted is None or size == wanted, key
        assert keras.backend.standardize_dtype(found[key].dtype) == one.dtype
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def named(outputs: Any) -> dict[str, Any]:
    return {
        "/".join(map(str, path)): value
        for path, value in keras.tree.flatten_with_path(outputs)
    }


@pytest.mark.quick("[!ABDT]*-True")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "case",
    layer_cases.slow_variants(layer_cases.CASES),
    ids=lambda case: case.name,
)
def test_layer(case: Case, training: bool) -> None:
    layer = case.create()
    more: dict[str, Any] = dict(case.call)
    if "training" in inspect.signature(layer.call).parameters:
        more.setdefault("training", training)
    few = {
        name: without_rows(each.value, each.axes)
        for name, each in case.flat_arguments.items()
    }

    def call(arrays: dict) -> dict[str, Any]:
        return named(layer(**case.nested(arrays), **more))

    expected = call(
        {
            name: keras.KerasTensor(each.value.shape, each.value.dtype.name)
            for name, each in case.flat_arguments.items()
        }
    )
    assert len(expected) == len(case.outputs)
    assert_nothing_comes_out(layer, lambda: call(few), expected)
    assert_nothing_comes_out(layer, lambda: traced(call, few), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.slow] * (case.name not in QUICK))
        for case in model_cases.CASES
    ],
    ids=lambda case: case.name,
)
def test_model(case: ModelCase) -> None:
    model = case.create()
    few = {
        name: without_rows(value, axes)
        for name, (value, axes, _) in INPUTS[case.family].items()
    }
    expected = named(model.output)

    def train(arrays: dict) -> dict[str, Any]:
        return named(model(arrays, training=True))

    def answer(arrays: dict) -> dict[str, Any]:
        return named(model(arrays, training=False))

    if not {"no rows", "no rows, op by op"} & case.exempt.keys():
        assert_nothing_comes_out(model, lambda: train(few), expected)
    if "no rows" not in case.exempt:
        assert_nothing_comes_out(model, lambda: traced(train, few), expected)
    model.trainable = False
    assert_nothing_comes_out(model, lambda: traced(answer, few), expected)
