"""Weights in which nothing is 0 or 1 by design."""

from typing import TypeVar

import keras
import numpy as np

Built = TypeVar("Built", bound=keras.layers.Layer)


def randomized(layer: Built) -> Built:
    """Biases that are 0 and norms that are 1 would hide mistakes."""
    generator = np.random.default_rng(5)
    for weight in layer.weights:
        if "seed" not in weight.path:
            weight.assign(0.5 * generator.normal(size=weight.shape))
    return layer
