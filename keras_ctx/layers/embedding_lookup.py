"""Table look-up that means the same on every backend."""

from keras import ops


def known_ids(ids, rows: int):
    """Booleans: whether each id lies inside a table of so many rows."""
    return ops.logical_and(ids >= 0, ids < rows)


def lookup(embedding, ids):
    """Rows of an embedding layer; an id outside its table reads NaN.

    TensorFlow raises for such an id on a CPU and reads zeros on a GPU, JAX
    clamps it, PyTorch crashes. NaN is loud everywhere and works under XLA.
    """
    known = known_ids(ids, embedding.input_dim)
    rows = embedding(ops.where(known, ids, 0))
    nan = ops.cast(float("nan"), rows.dtype)
    return ops.where(ops.expand_dims(known, -1), rows, nan)
