"""Ids as layers take them: integers, whatever they arrive as."""

import keras
from keras import ops

from keras_ctx.layers.base.embedding_lookup import known_ids


def as_ids(ids):
    """Ids as int32 or int64.

    Floats come from files and from Keras, which rebuilds a subclassed model
    on floats when it loads it; the sizes of tables do not fit in uint8.
    `keras.layers.Embedding` casts in the same way.

    Raises:
        ValueError: Floats that are no whole numbers, run eagerly. A graph
            rounds them towards 0.
    """
    dtype = keras.backend.standardize_dtype(ids.dtype)
    if dtype in ("int32", "int64"):
        return ids
    if "float" in dtype and _known(ops.any(ops.floor(ids) != ids)):
        raise ValueError(
            "Ids must be whole numbers. Vectors, scores and normalized "
            f"numbers are no ids. Received: dtype={dtype}, {ids}"
        )
    # What does not fit is negative then, and in no table.
    return ops.cast(ids, "int64" if dtype == "uint64" else "int32")


def as_int32(ids):
    """`as_ids` as int32; an id that does not fit becomes -1."""
    ids = as_ids(ids)
    if keras.backend.standardize_dtype(ids.dtype) == "int64":
        ids = ops.where(known_ids(ids, 2**31 - 1), ids, -1)
    return ops.cast(ids, "int32")


def check_ids(rows, why: str, **tensors) -> None:
    """Refuses ids outside a table, when run eagerly; `None` passes.

    Args:
        rows: Of the table.
        why: What `rows` is, for the message.
        **tensors: Integers.
    """
    for name, ids in tensors.items():
        if ids is not None and _known(ops.any(~known_ids(ids, rows))):
            raise ValueError(
                f"`{name}` must be from 0 to {rows - 1}: {why} {rows}. "
                f"Received: {ops.min(ids)} to {ops.max(ids)}"
            )


def _known(flag) -> bool:
    """Returns whether it is true; in a graph nobody knows, and it is not."""
    try:
        return bool(flag)
    except TypeError:  # what TensorFlow and JAX raise while they trace
        return False


class IdsLayer(keras.layers.Layer):
    """A layer that reads ids, exactly under every dtype policy."""

    @property
    def input_dtype(self):
        # Of float inputs. bfloat16 holds whole numbers up to 256 only, and
        # int32 would hide that one is none.
        wide = self.compute_dtype in ("float32", "float64")
        return self.compute_dtype if wide else "float32"
