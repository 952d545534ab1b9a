"""Keras's own masks, as its layers carry them, on every backend."""

import keras
from keras import ops


class Carry(keras.layers.Layer):
    """Its input, with the mask that it is given."""

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
        # Not as it is: Keras would track what is in an attribute.
        self.found = lambda: mask
        return inputs


def carry(x, mask):
    """`x`, or each of a list, with the mask that layers then see."""
    return keras.tree.map_structure(lambda each: Carry()(each, mask=mask), x)


def carried(x):
    """The mask of a tensor as an array, or `None`."""
    reader = _Read()
    reader(x)
    mask = reader.found()
    return None if mask is None else ops.convert_to_numpy(mask)
