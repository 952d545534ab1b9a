"""Writes rows of a matrix without a copy of it, where the backend can."""

import keras
from keras import ops

from keras_ctx.layers.transformer.key_cache import RowWriter


def row_writer(jit_compile: bool) -> RowWriter:
    """Returns what writes new keys and values into the cache of a loop.

    XLA writes in place by itself. TensorFlow's `tensor_scatter_nd_update`
    copies the matrix on a CPU, which takes longer than all products of a step.

    Args:
        jit_compile: Whether XLA compiles the loop.
    """
    if keras.backend.backend() != "tensorflow" or jit_compile:
        return ops.scatter_update
    import tensorflow as tf

    def write(matrix, rows, values):
        # It changes the matrix itself.
        return tf.raw_ops.InplaceUpdate(x=matrix, i=rows[:, 0], v=values)

    return write
