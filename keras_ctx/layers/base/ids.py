"""Converts and checks the ids that layers receive."""

import keras
from keras import ops

from keras_ctx.layers.base.embedding_lookup import known_ids


def as_ids(ids):
    """Converts ids to int32 or int64.

    Ids may be floats, from files or from Keras, which rebuilds a subclassed
    model with floats when it loads it; and uint8 is too small for the sizes
    of tables. `keras.layers.Embedding` casts in the same way.

    Raises:
        ValueError: Eagerly, for floats that are not whole numbers. A graph
            rounds them towards 0.
    """
    dtype = keras.backend.standardize_dtype(ids.dtype)
    if dtype in ("int32", "int64"):
        return ids
    if "float" in dtype and _known(ops.any(ops.floor(ids) != ids)):
        raise ValueError(
            "Ids must be whole numbers. Give ids, not vectors, scores or "
            f"normalized numbers. Received: dtype={dtype}, {ids}"
        )
    # Ids that do not fit become negative, and so are in no table.
    return ops.cast(ids, "int64" if dtype == "uint64" else "int32")


def as_int32(ids):
    """Converts ids to int32; an id that does not fit becomes -1."""
    ids = as_ids(ids)
    if keras.backend.standardize_dtype(ids.dtype) == "int64":
        ids = ops.where(known_ids(ids, 2**31 - 1), ids, -1)
    return ops.cast(ids, "int32")


def check_ids(rows, why: str, **tensors) -> None:
    """Refuses ids outside a table, when run eagerly; `None` passes.

    Args:
        rows: Number of rows of the table.
        why: Words that introduce `rows` in the message.
        **tensors: Integers.
    """
    for name, ids in tensors.items():
        if ids is not None and _known(ops.any(~known_ids(ids, rows))):
            raise ValueError(
                f"`{name}` must be from 0 to {rows - 1}: {why} {rows}. "
                f"Received: {ops.min(ids)} to {ops.max(ids)}"
            )


def _known(flag) -> bool:
    """Returns whether a flag is true; always `False` in a graph."""
    try:
        return bool(flag)
    except TypeError:  # TensorFlow and JAX raise it while they trace
        return False


class IdsLayer(keras.layers.Layer):
    """A layer that reads ids exactly, under every dtype policy."""

    @property
    def input_dtype(self):
        # For float inputs. bfloat16 is exact for whole numbers up to 256
        # only, and a cast to int32 would hide fractions.
        wide = self.compute_dtype in ("float32", "float64")
        return self.compute_dtype if wide else "float32"
