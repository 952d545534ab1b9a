"""Word vectors: from an embedding table, or from a table of the batch."""

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_dense, check_rank
from keras_ctx.layers.base.embedding_lookup import known_ids, lookup
from keras_ctx.layers.base.ids import IdsLayer, as_ids


@keras.saving.register_keras_serializable(package="keras_ctx")
class WordEmbedding(keras.layers.Embedding):
    """A table of word embeddings, for biLMs without characters.

    Id 0 means "no token" and has a row, too; an id outside the table gives
    NaN.

    Args:
        input_dim: Number of rows of the table, one more than the words.
        output_dim: Number of features of a word.
        **kwargs: As for `keras.layers.Embedding`; the table is initialized
            uniformly in [-1, 1].

    Call arguments:
        inputs: Integers `(B, T)`, or of any shape.

    Returns:
        `(B, T, output_dim)`.

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> import numpy as np
        >>> tuple(WordEmbedding(10, 4)(np.array([[1, 9, 0]])).shape)
        (1, 3, 4)

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
    """Gathers rows of a table that is part of the same batch.

    Call arguments:
        table: `(W, D)`.
        ids: Integers `(B, T)`, the rows to take.

    Returns:
        `(B, T, D)`; NaN for an id outside the table.

    Raises:
        ValueError: `table` or `ids` has another rank.

    Example:
        >>> import numpy as np
        >>> np.asarray(TakeRows()(np.eye(2), np.array([[1, 0, 1]])))[0, :, 0]
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
