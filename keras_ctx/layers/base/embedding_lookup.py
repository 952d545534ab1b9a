"""Table look-up that means the same on TensorFlow, JAX and PyTorch."""

from keras import ops


def known_ids(ids, rows: int):
    """Booleans: whether each id lies inside a table of so many rows."""
    return ops.logical_and(ids >= 0, ids < rows)


def with_dense_gradient(table):
    """Returns the table, such that the gradient of a look-up in it is dense.

    TensorFlow's is sparse, with an entry for each occurrence of an id, and
    Keras's optimizers there square entry by entry instead of their sum: Adam's
    step for a word that stands n times in a batch is too long by sqrt(n), and
    depends on how a batch is split over devices.
    """
    return ops.convert_to_tensor(table) * 1


def known_rows(embedding, ids):
    """Rows of an embedding layer, for ids inside its table."""
    if embedding.quantization_mode is not None:
        return embedding(ids)  # only the layer knows how to read its table
    table = with_dense_gradient(embedding.embeddings)
    return ops.cast(ops.take(table, ids, axis=0), embedding.compute_dtype)


def lookup(embedding, ids):
    """Rows of an embedding layer; an id outside its table reads NaN.

    TensorFlow raises for such an id on a CPU and reads zeros on a GPU, JAX
    clamps it, PyTorch crashes. NaN is loud everywhere and works under XLA.
    """
    known = known_ids(ids, embedding.input_dim)
    rows = known_rows(embedding, ops.where(known, ids, 0))
    nan = ops.cast(float("nan"), rows.dtype)
    return ops.where(ops.expand_dims(known, -1), rows, nan)


def lookup_in_few(embedding, ids):
    """`lookup` in a table of a few rows, by choosing between them.

    The gradient of a gather adds the vectors of all tokens into the same few
    rows, for which they queue on an accelerator; that of a choice is a sum.
    google-research/bert multiplies by one-hot vectors for the same reason,
    which would round float32 where matrix units do.
    """
    few = 1 < embedding.input_dim <= 4
    if embedding.quantization_mode is not None or not few:
        return lookup(embedding, ids)
    table = ops.convert_to_tensor(embedding.embeddings)
    ids = ops.expand_dims(ids, -1)
    rows = ops.where(ids == 0, table[0], ops.cast(float("nan"), table.dtype))
    for i in range(1, embedding.input_dim):
        rows = ops.where(ids == i, table[i], rows)
    return ops.cast(rows, embedding.compute_dtype)


def first_rows(embedding, count):
    """Rows 0, 1, ... of an embedding layer, with a dense gradient, too."""
    if embedding.quantization_mode is not None:
        return embedding(ops.arange(count))
    table = ops.convert_to_tensor(embedding.embeddings)
    return ops.cast(table[:count], embedding.compute_dtype)
