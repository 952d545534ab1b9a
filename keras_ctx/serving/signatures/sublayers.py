"""Finds the layers of a model, including those inside other layers."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_ctx.layers.base.keras_hooks import inner_layers


def all_layers(layer: Any) -> Iterator[keras.layers.Layer]:
    """Yields the layers of a model or layer, at every depth."""
    for inner in inner_layers(layer):
        yield inner
        yield from all_layers(inner)


@contextlib.contextmanager
def without_cudnn(model: keras.Model) -> Iterator[None]:
    """Traces LSTMs to ops that any server has.

    With a visible GPU they would become cuDNN ops, for which a server on CPUs
    has no kernels.
    """
    recurrent: list[Any] = [
        layer for layer in all_layers(model) if hasattr(layer, "use_cudnn")
    ]
    before = [layer.use_cudnn for layer in recurrent]
    try:
        for layer in recurrent:
            layer.use_cudnn = False
        yield
    finally:
        for layer, use_cudnn in zip(recurrent, before, strict=True):
            layer.use_cudnn = use_cudnn
