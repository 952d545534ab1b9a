"""Ids as layers take them: integers, whatever they arrive as."""

import keras
from keras import ops


def as_ids(ids):
    """Ids as int32 or int64.

    Floats come from files and from Keras, which rebuilds a subclassed model
    on floats when it loads it; the sizes of tables do not fit in uint8.
    `keras.layers.Embedding` casts in the same way.
    """
    dtype = keras.backend.standardize_dtype(ids.dtype)
    return ids if dtype in ("int32", "int64") else ops.cast(ids, "int32")


class IdsLayer(keras.layers.Layer):
    """A layer that reads ids, exactly under every dtype policy."""

    @property
    def input_dtype(self):
        # Of float inputs. bfloat16 holds whole numbers up to 256 only.
        half = self.compute_dtype in ("float16", "bfloat16")
        return "float32" if half else self.compute_dtype
