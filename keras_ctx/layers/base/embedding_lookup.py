"""Embedding lookup with the same result on TensorFlow, JAX and PyTorch."""

from keras import ops

from keras_ctx.layers.base.keras_hooks import as_stored, stored_value


def known_ids(ids, rows: int):
    """Returns booleans: whether each id is in a table with `rows` rows."""
    return ops.logical_and(ids >= 0, ids < rows)


def with_dense_gradient(table):
    """Returns the table, in a form whose lookups have a dense gradient.

    On TensorFlow the gradient is sparse, with an entry for each occurrence of
    an id, and Keras's optimizers square each entry instead of their sum. For
    a word that occurs n times in a batch, Adam's step is then too long by
    sqrt(n), and depends on how the batch is split over devices.

    A reshape makes it dense without a copy; a product with 1 would copy the
    table in a graph that also changes a variable.
    """
    value = as_stored(table)
    return ops.reshape(value, ops.shape(value))


def take_rows(table, ids):
    """Returns rows of a table, with a sparse gradient on TensorFlow.

    For the gradient of a tensor see `with_dense_gradient`.
    """
    value = stored_value(table)
    try:
        # TensorFlow may copy a variable that `ops.take` reads.
        return value.sparse_read(ids)
    except AttributeError:  # a tensor, or a variable on several devices
        return ops.take(value, ids, axis=0)


def known_rows(embedding, ids, sparse_gradient=False):
    """Returns rows of an embedding layer, for ids inside its table."""
    if embedding.quantization_mode is not None:
        return embedding(ids)  # only the layer can read a quantized table
    table = embedding.embeddings
    if sparse_gradient:
        return ops.cast(take_rows(table, ids), embedding.compute_dtype)
    table = with_dense_gradient(table)
    return ops.cast(ops.take(table, ids, axis=0), embedding.compute_dtype)


def lookup(embedding, ids, sparse_gradient=False):
    """Returns rows of an embedding layer, with NaN for ids outside its table.

    For such an id TensorFlow raises an error on a CPU and reads zeros on a
    GPU, JAX clamps it, PyTorch crashes. NaN is visible on all of them and
    works under XLA.
    """
    known = known_ids(ids, embedding.input_dim)
    rows = known_rows(embedding, ops.where(known, ids, 0), sparse_gradient)
    nan = ops.cast(float("nan"), rows.dtype)
    return ops.where(ops.expand_dims(known, -1), rows, nan)


def lookup_in_few(embedding, ids):
    """Returns rows as `lookup` does, faster for a table of two to four rows.

    The gradient of a gather adds the vectors of all tokens to the same few
    rows, one after another on an accelerator; the gradient of `where` is a
    sum. google-research/bert multiplies by one-hot vectors for the same
    reason, but matrix units may round float32.
    """
    few = 1 < embedding.input_dim <= 4
    if embedding.quantization_mode is not None or not few:
        return lookup(embedding, ids)
    table = as_stored(embedding.embeddings)
    ids = ops.expand_dims(ids, -1)
    rows = ops.where(ids == 0, table[0], ops.cast(float("nan"), table.dtype))
    for i in range(1, embedding.input_dim):
        rows = ops.where(ids == i, table[i], rows)
    return ops.cast(rows, embedding.compute_dtype)


def first_rows(embedding, count):
    """Returns the first `count` rows of an embedding layer."""
    if embedding.quantization_mode is not None:
        return embedding(ops.arange(count))
    table = as_stored(embedding.embeddings)
    return ops.cast(table[:count], embedding.compute_dtype)
