"""Calls a layer for the laws of this folder."""

import inspect
from typing import Any

import keras
import numpy as np
from keras import ops
from layer_cases import Case
from random_weights import randomized


def arrays(case: Case) -> dict[str, np.ndarray]:
    return {name: each.value for name, each in case.flat_arguments.items()}


def call(case: Case, layer: keras.layers.Layer, flat: dict[str, Any]) -> list:
    return keras.tree.flatten(layer(**case.nested(flat), **case.call))


def built(case: Case, **kwargs) -> keras.layers.Layer:
    layer = case.create(**kwargs)
    build(case, layer)
    return randomized(layer)


def build(case: Case, layer: keras.layers.Layer) -> None:
    shapes: dict[str, Any] = {
        f"{name}_shape": value.shape
        for name, value in arrays(case).items()
        if not isinstance(case.arguments.get(name, []), list)
    }
    for name, value in case.arguments.items():
        if isinstance(value, list):
            shapes[f"{name}_shape"] = [each.value.shape for each in value]
    wanted = inspect.signature(layer.build).parameters
    if set(shapes) & set(wanted):
        layer.build(**{k: v for k, v in shapes.items() if k in wanted})
    else:  # a Keras layer, or a layer without weights
        layer.build(next(iter(shapes.values())))


def numpy(outputs: list) -> list[np.ndarray]:
    return [ops.convert_to_numpy(x) for x in outputs]


def functional(case: Case, layer: keras.layers.Layer) -> keras.Model:
    """Returns the layer in a model whose B, T and M are dynamic."""
    inputs = {
        name: keras.Input(
            batch_shape=[
                None if axis in "BTM" else size
                for axis, size in zip(each.axes, each.value.shape, strict=True)
            ],
            dtype=each.value.dtype.name,
            name=name,
        )
        for name, each in case.flat_arguments.items()
    }
    outputs = call(case, layer, inputs)
    return keras.Model(inputs, {f"y{i}": y for i, y in enumerate(outputs)})
