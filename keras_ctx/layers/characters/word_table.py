"""The vectors of words, of unknown words, and of character n-grams."""

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_axes, check_rank
from keras_ctx.layers.base.composite_layer import CompositeLayer
from keras_ctx.layers.base.embedding_lookup import lookup
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.ids import IdsLayer, as_ids
from keras_ctx.layers.characters.row_chunks import in_chunks

WORDS_AT_ONCE = 512
"""A word of ten letters has 36 n-grams of 3 to 6, each with D features."""


@keras.saving.register_keras_serializable(package="keras_ctx")
class WordTable(IdsLayer, CompositeLayer):
    """Looks up static word vectors, with rows for unknown words or n-grams.

    Without n-grams, the vector of a word is its row in the table, also for an
    unknown word. With `num_buckets` it is the mean of the word's own row and
    the rows of its character n-grams, as in fastText; an unknown word has its
    n-grams only, and zeros if it has none. Padding has zeros. An id outside
    its table gives NaN.

    Args:
        vocabulary_size: Number of words.
        output_dim: Number of features of a word.
        num_unknown: Number of ids after 0 that stand for unknown words: id
            `num_unknown + 1` is the first word.
        num_buckets: Number of rows for n-grams; n-grams with the same hash
            share one. 0: none.

    Attributes:
        sparse_gradient: Whether, on TensorFlow, the gradient has only the
            rows of the batch, as that of `NegativeSampling`. `False`, and not
            saved.

    Call arguments:
        word_ids: Integers `(B, T)`, 0 = no token.
        subword_ids: With `num_buckets` integers `(B, T, S)`: the n-grams of
            each word, counted from 1; 0 = none.

    Returns:
        `(B, T, output_dim)`.

    Raises:
        ValueError: A size is out of range, `subword_ids` is missing or not
            read, or the ids have another rank or differ in `(B, T)`.

    Example:
        >>> import numpy as np
        >>> table = WordTable(3, 4, num_buckets=5)
        >>> ids, grams = np.array([[2, 1]]), np.array([[[5, 1], [0, 0]]])
        >>> np.asarray(table(ids, grams))[0, 1]
        array([0., 0., 0., 0.], dtype=float32)

    Source:
        Bojanowski et al. 2017, section 3.2, https://aclanthology.org/Q17-1010;
        `getWordVector` of facebookresearch/fastText. Initial values:
        tmikolov/word2vec.

    Differs:
        fastText has words and n-grams in one table, and no rows for padding
        and unknown words.
    """

    def __init__(
        self,
        vocabulary_size: int,
        output_dim: int,
        num_unknown: int = 1,
        num_buckets: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(
            1,
            vocabulary_size=vocabulary_size,
            output_dim=output_dim,
            num_unknown=num_unknown,
        )
        check_at_least(0, num_buckets=num_buckets)
        self.vocabulary_size = vocabulary_size
        self.output_dim = output_dim
        self.num_unknown = num_unknown
        self.num_buckets = num_buckets
        self.sparse_gradient = False

    def build(self, word_ids_shape, subword_ids_shape=None):
        def table(rows, name):
            layer = keras.layers.Embedding(
                rows,
                self.output_dim,
                embeddings_initializer=keras.initializers.RandomUniform(
                    -0.5 / self.output_dim, 0.5 / self.output_dim
                ),
                dtype=self.dtype_policy,
                name=name,
            )
            layer.build()
            return layer

        self.words = table(1 + self.num_unknown + self.vocabulary_size, "words")
        self.subwords = (
            table(1 + self.num_buckets, "subwords")
            if self.num_buckets
            else None
        )
        self.restore_sublayers()
        freeze_sublayers(self)

    def _lora_layers(self):
        return [x for x in (self.words, self.subwords) if x is not None]

    def call(self, word_ids, subword_ids=None, training=None):
        self._check(word_ids, subword_ids)
        word_ids = as_ids(word_ids)
        # An id below 0 is outside the table: its row is NaN.
        first = 0 if subword_ids is None else self.num_unknown
        own = (word_ids > first) | (word_ids < 0)
        x = lookup(self.words, word_ids, self.sparse_gradient)  # (B, T, D)
        x = ops.where(ops.expand_dims(own, -1), x, ops.zeros_like(x))
        if subword_ids is None:
            return x
        subword_ids = as_ids(subword_ids)
        batch, length, count = ops.shape(subword_ids)
        flat = ops.reshape(subword_ids, (batch * length, count))
        if training and self.trainable:
            grams = self._sum(flat)  # backpropagation would keep all chunks
        else:
            grams = in_chunks(self._sum, flat, WORDS_AT_ONCE)
        x = x + ops.reshape(grams, ops.shape(x))
        total = ops.sum(ops.cast(subword_ids != 0, "int32"), axis=-1)
        total = ops.maximum(total + ops.cast(own, "int32"), 1)
        return x / ops.cast(ops.expand_dims(total, -1), x.dtype)

    def _sum(self, subword_ids):
        """Sums the vectors of n-grams: `(N, S)` to `(N, D)`."""
        vectors = lookup(self.subwords, subword_ids, self.sparse_gradient)
        real = ops.expand_dims(subword_ids != 0, -1)
        return ops.sum(ops.where(real, vectors, ops.zeros_like(vectors)), 1)

    def _check(self, word_ids, subword_ids):
        check_rank(2, word_ids=word_ids)
        check_rank(3, subword_ids=subword_ids)
        check_axes("BT", word_ids=word_ids, subword_ids=subword_ids)
        if (subword_ids is None) == bool(self.num_buckets):
            rule = "given" if self.num_buckets else "left out"
            given = "none" if subword_ids is None else "ids"
            raise ValueError(
                f"`subword_ids` must be {rule}: the layer has "
                f"{self.num_buckets} rows for n-grams (`num_buckets`). "
                f"Received: {given}"
            )

    def compute_output_shape(self, word_ids_shape, subword_ids_shape=None):
        self._check(word_ids_shape, subword_ids_shape)
        return (*word_ids_shape, self.output_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "output_dim": self.output_dim,
            "num_unknown": self.num_unknown,
            "num_buckets": self.num_buckets,
        }
