"""Random weights without the zeros and ones of initializers."""

from typing import TypeVar

import keras
import numpy as np

Built = TypeVar("Built", bound=keras.layers.Layer)


def randomized(layer: Built) -> Built:
    """Randomizes weights: zero biases and unit norms would hide errors."""
    generator = np.random.default_rng(5)
    for weight in layer.weights:
        if "seed" not in weight.path:
            values = 0.5 * generator.normal(size=weight.shape)
            is_variance = weight.path.endswith("variance")
            weight.assign(np.abs(values) if is_variance else values)
    return layer
