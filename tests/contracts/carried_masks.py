"""Keras's implicit masks, as its layers pass them on, on every backend."""

import keras
from keras import ops


class Carry(keras.layers.Layer):
    """A layer that returns its input with a given mask."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        return ops.copy(inputs)


class _Read(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.supports_masking = True
        self.found = lambda: None

    def call(self, inputs, mask=None):
        # Wrapped, because Keras would track the attribute.
        self.found = lambda: mask
        return inputs


def carry(x, mask):
    """Returns `x`, or each of a list, with a mask that layers will see."""
    return keras.tree.map_structure(lambda each: Carry()(each, mask=mask), x)


def carried(x):
    """Returns the mask of a tensor as an array, or `None`."""
    reader = _Read()
    reader(x)
    mask = reader.found()
    return None if mask is None else ops.convert_to_numpy(mask)
