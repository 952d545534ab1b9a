"""The table of words of AWD-LSTM, with dropout of whole words."""

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_features,
    check_positive,
    check_rank,
    check_rate,
)
from keras_ctx.layers.base.composite_layer import CompositeLayer
from keras_ctx.layers.base.dropout import noise_like
from keras_ctx.layers.base.embedding_lookup import known_ids, lookup
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.ids import IdsLayer, as_ids


@keras.saving.register_keras_serializable(package="keras_ctx")
class WordDropoutEmbedding(IdsLayer, CompositeLayer):
    """A table of tokens whose training drops whole tokens of the vocabulary.

    In training each token of the vocabulary is dropped with the probability
    `word_dropout`: its vector is zero wherever it stands in the batch. The
    others are divided by `1 - word_dropout`. `reverse=True` maps vectors to
    logits with the same table, of which nothing is dropped then. An id
    outside the table gives NaN.

    Args:
        vocabulary_size: Number of rows of the table.
        hidden_dim: Number of features of a vector.
        word_dropout: Dropout rate of a token; not applied if the layer is
            frozen.
        uniform_bound: Bound of the uniform initial values of the table.

    Call arguments:
        token_ids: Integers `(B, T)`. With `reverse=True` vectors `(..., D)`.
        reverse: Whether to map vectors to logits over the vocabulary instead.

    Returns:
        `(B, T, D)`; with `reverse=True` logits `(..., V)`, without a bias.

    Raises:
        ValueError: A size is not positive, `word_dropout` is outside [0, 1),
            ids are not `(B, T)`, or vectors have another D.

    Masking:
        None. With `reverse=True` the Keras mask is passed on.

    Example:
        >>> import numpy as np
        >>> embed = WordDropoutEmbedding(100, 4, word_dropout=0.5)
        >>> x = np.asarray(embed(np.full((2, 3), 7), training=True))
        >>> bool(np.all(x == x[0, 0]))
        True

    Source:
        Gal and Ghahramani 2016, https://arxiv.org/abs/1512.05287; Merity et
        al. 2018, section 4.3, https://arxiv.org/abs/1708.02182.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden_dim: int,
        word_dropout: float = 0.0,
        uniform_bound: float = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(
            1, vocabulary_size=vocabulary_size, hidden_dim=hidden_dim
        )
        check_rate(word_dropout=word_dropout)
        check_positive(uniform_bound=uniform_bound)
        self.vocabulary_size = vocabulary_size
        self.hidden_dim = hidden_dim
        self.word_dropout = word_dropout
        self.uniform_bound = uniform_bound
        self.seed_generator = keras.random.SeedGenerator()
        self.supports_masking = True  # of vectors, with `reverse=True`
        self.token_embedding = keras.layers.ReversibleEmbedding(
            vocabulary_size,
            hidden_dim,
            embeddings_initializer=keras.initializers.RandomUniform(
                -uniform_bound, uniform_bound
            ),
            dtype=self.dtype_policy,
            name="token_embedding",
        )

    def build(self, token_ids_shape):
        self.token_embedding.build()
        self.restore_sublayers()
        freeze_sublayers(self)

    def _lora_layers(self):
        return [self.token_embedding]

    def call(self, token_ids, reverse=False, training=None):
        if reverse:
            self._check_vectors(token_ids)
            vectors = ops.cast(token_ids, self.compute_dtype)
            return self.token_embedding(vectors, reverse=True)
        check_rank(2, token_ids=token_ids)
        token_ids = as_ids(token_ids)
        x = lookup(self.token_embedding, token_ids)  # (B, T, D)
        if not training or not self.trainable or self.word_dropout == 0:
            return x
        kept = noise_like(
            ops.zeros((self.vocabulary_size,), dtype=x.dtype),
            *(self.word_dropout, self.seed_generator),
        )
        known = known_ids(token_ids, self.vocabulary_size)
        kept = ops.take(kept, ops.where(known, token_ids, 0), axis=0)
        return x * ops.expand_dims(kept, -1)

    def _check_vectors(self, vectors):
        if self.token_embedding.quantization_mode is None:
            table = self.token_embedding
            check_features(table, "embeddings", 1, inputs=vectors)

    def compute_output_shape(self, token_ids_shape):
        check_rank(2, token_ids=token_ids_shape)
        return (*token_ids_shape, self.hidden_dim)

    def compute_output_spec(self, token_ids, reverse=False, training=None):
        if reverse:
            self._check_vectors(token_ids)
            shape = (*token_ids.shape[:-1], self.vocabulary_size)
        else:
            shape = self.compute_output_shape(token_ids.shape)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "hidden_dim": self.hidden_dim,
            "word_dropout": self.word_dropout,
            "uniform_bound": self.uniform_bound,
        }
