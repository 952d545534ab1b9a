"""Vectors of whole words: from a table, or from vectors made in a batch."""

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_dense, check_rank
from keras_ctx.layers.base.embedding_lookup import known_ids, lookup
from keras_ctx.layers.base.ids import IdsLayer, as_ids


@keras.saving.register_keras_serializable(package="keras_ctx")
class WordEmbedding(keras.layers.Embedding):
    """A table of word vectors, as biLMs that read no characters have it.

    Id 0 is "no token here" and has a row, too; an id outside the table reads
    NaN.

    Args:
        input_dim: Rows of the table, one more than there are words.
        output_dim: Features of a word.
        **kwargs: As of `keras.layers.Embedding`; the table starts uniform in
            [-1, 1].

    Call arguments:
        inputs: Integers `(B, T)`, or of any shape.

    Returns:
        `(B, T, output_dim)`.

    Raises:
        ValueError: a size is not positive.

    Example:
        >>> import numpy as np
        >>> WordEmbedding(10, 4)(np.array([[1, 9, 0]])).shape
        TensorShape([1, 3, 4])

    Source:
        `share_embedding_softmax` and word input of allenai/bilm-tf.
    """

    def __init__(self, input_dim: int, output_dim: int, **kwargs):
        check_at_least(1, input_dim=input_dim, output_dim=output_dim)
        kwargs.setdefault(
            "embeddings_initializer", keras.initializers.RandomUniform(-1, 1)
        )
        super().__init__(input_dim, output_dim, **kwargs)

    def call(self, inputs):
        check_dense(inputs=inputs)
        return lookup(self, as_ids(inputs))


@keras.saving.register_keras_serializable(package="keras_ctx")
class TakeRows(IdsLayer):
    """Rows of a table that was made in the same batch.

    Call arguments:
        table: `(W, D)`.
        ids: Integers `(B, T)`, rows of it.

    Returns:
        `(B, T, D)`; NaN for an id outside the table.

    Raises:
        ValueError: `table` or `ids` of another rank.

    Example:
        >>> import numpy as np
        >>> TakeRows()(np.eye(2), np.array([[1, 0, 1]])).numpy()[0, :, 0]
        array([0., 1., 0.], dtype=float32)
    """

    def call(self, table, ids):
        check_rank(2, table=table, ids=ids)
        ids = as_ids(ids)
        table = ops.cast(table, self.compute_dtype)
        known = known_ids(ids, ops.shape(table)[0])
        rows = ops.take(table, ops.where(known, ids, 0), axis=0)
        nan = ops.cast(float("nan"), rows.dtype)
        return ops.where(ops.expand_dims(known, -1), rows, nan)

    def compute_output_shape(self, table_shape, ids_shape):
        check_rank(2, table=table_shape, ids=ids_shape)
        return (*ids_shape, table_shape[-1])
