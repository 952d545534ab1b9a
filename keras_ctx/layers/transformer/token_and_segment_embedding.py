"""BERT's input layer: token, segment and position tables, summed."""

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_axes,
    check_positive,
    check_rank,
    check_rate,
)
from keras_ctx.layers.base.composite_layer import CompositeLayer
from keras_ctx.layers.base.dropout import drop
from keras_ctx.layers.base.embedding_lookup import (
    first_rows,
    lookup,
    lookup_in_few,
)
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.ids import IdsLayer, as_ids
from keras_ctx.layers.base.layer_norm import LayerNorm


@keras.saving.register_keras_serializable(package="keras_ctx")
class TokenAndSegmentEmbedding(IdsLayer, CompositeLayer):
    """Sums token, segment and learned position embeddings, and normalizes.

    An id outside its table gives NaN on TensorFlow, JAX and PyTorch, which by
    themselves differ (an exception, zeros, the nearest row). The token table
    is a `keras.layers.ReversibleEmbedding`: with `reverse=True` the layer
    maps vectors to logits over the vocabulary with the same weights. So the
    weights of a masked language model are tied, also after saving.

    Args:
        vocabulary_size: Number of rows of the token table.
        hidden_dim: Number of features of a vector.
        max_length: Number of positions, in tokens.
        num_segments: Number of segments (BERT: first and second sentence).
        dropout: Dropout rate after the normalization; not applied if the
            layer is frozen (`trainable=False`).
        layer_norm_epsilon: Added to the variance in the normalization.
        initializer_range: Standard deviation of the initial values of the
            tables: a normal distribution, truncated at twice that.

    Call arguments:
        token_ids: Integers `(B, T)`, `T <= max_length`. With `reverse=True`
            vectors `(..., D)`.
        segment_ids: Integers `(B, T)`; `None` puts all tokens into segment 0.
        reverse: Whether to map vectors to logits over the vocabulary instead.
        position_ids: Integers `(B, T)`, from 0 to `max_length - 1`, as from
            `PackedTexts`; rows may then be longer than `max_length`. `None`
            counts the tokens of each row.

    Returns:
        `(B, T, D)`; with `reverse=True` logits `(..., V)`, without a bias.

    Raises:
        ValueError: A size is not positive, ids are not `(B, T)` or differ in
            shape, or `T > max_length` without `position_ids`.

    Masking:
        None. Padding tokens have vectors like any other; the encoder blocks
        mask them. With `reverse=True` the Keras mask is passed on.

    Example:
        >>> import numpy as np
        >>> embed = TokenAndSegmentEmbedding(100, 16, max_length=8)
        >>> tuple(embed(np.array([[2, 7, 9]])).shape)
        (1, 3, 16)

    Source:
        Devlin et al. 2019, section 3 and figure 2,
        https://arxiv.org/abs/1810.04805. Tied output weights: Press and Wolf
        2017, https://arxiv.org/abs/1608.05859.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden_dim: int,
        max_length: int,
        num_segments: int = 2,
        dropout: float = 0.1,
        layer_norm_epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(
            1,
            vocabulary_size=vocabulary_size,
            hidden_dim=hidden_dim,
            max_length=max_length,
            num_segments=num_segments,
        )
        check_rate(dropout=dropout)
        check_positive(
            layer_norm_epsilon=layer_norm_epsilon,
            initializer_range=initializer_range,
        )
        self.vocabulary_size = vocabulary_size
        self.hidden_dim = hidden_dim
        self.max_length = max_length
        self.num_segments = num_segments
        self.dropout = dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.initializer_range = initializer_range
        self.supports_masking = True  # of vectors, with `reverse=True`
        self.token_embedding = keras.layers.ReversibleEmbedding(
            vocabulary_size,
            hidden_dim,
            embeddings_initializer=keras.initializers.TruncatedNormal(
                stddev=initializer_range
            ),
            dtype=self.dtype_policy,
            name="token_embedding",
        )
        self.segment_embedding, self.position_embedding = (
            keras.layers.Embedding(
                rows,
                hidden_dim,
                embeddings_initializer=keras.initializers.TruncatedNormal(
                    stddev=initializer_range
                ),
                dtype=self.dtype_policy,
                name=name,
            )
            for rows, name in (
                (num_segments, "segment_embedding"),
                (max_length, "position_embedding"),
            )
        )
        self.norm = LayerNorm(
            epsilon=layer_norm_epsilon, dtype=self.dtype_policy, name="norm"
        )
        self.dropout_layer = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="dropout"
        )

    def build(
        self, token_ids_shape, segment_ids_shape=None, position_ids_shape=None
    ):
        self.token_embedding.build()
        self.segment_embedding.build()
        self.position_embedding.build()
        self.norm.build((None, None, self.hidden_dim))
        self.restore_sublayers()
        freeze_sublayers(self)

    def _lora_layers(self):
        return [self.token_embedding]

    def call(
        self,
        token_ids,
        segment_ids=None,
        reverse=False,
        position_ids=None,
        training=None,
    ):
        if reverse:
            vectors = ops.cast(token_ids, self.compute_dtype)
            return self.token_embedding(vectors, reverse=True)
        if not self.trainable:
            training = False
        self._check_ids(token_ids, segment_ids, position_ids)
        token_ids = as_ids(token_ids)
        length = token_ids.shape[1]
        counted = position_ids is None
        if counted and length is not None and length > self.max_length:
            raise ValueError(
                f"`token_ids` may hold at most `max_length={self.max_length}` "
                f"tokens per row. Received: {length}. Cut the text or build "
                "the encoder with a larger `max_length`."
            )
        if segment_ids is None:
            segment_ids = ops.zeros_like(token_ids)
        segment_ids = as_ids(segment_ids)
        x = lookup(self.token_embedding, token_ids)  # (B, T, D)
        if counted:
            x = x + first_rows(self.position_embedding, ops.shape(token_ids)[1])
        else:
            x = x + lookup(self.position_embedding, as_ids(position_ids))
        x = x + lookup_in_few(self.segment_embedding, segment_ids)
        return drop(self.dropout_layer, self.norm(x), training)

    def _check_ids(self, token_ids, segment_ids, position_ids):
        ids = {
            "token_ids": token_ids,
            "segment_ids": segment_ids,
            "position_ids": position_ids,
        }
        check_rank(2, **ids)
        check_axes("BT", **ids)

    def compute_output_shape(
        self, token_ids_shape, segment_ids_shape=None, position_ids_shape=None
    ):
        self._check_ids(token_ids_shape, segment_ids_shape, position_ids_shape)
        return (*token_ids_shape, self.hidden_dim)

    def compute_output_spec(
        self,
        token_ids,
        segment_ids=None,
        reverse=False,
        position_ids=None,
        training=None,
    ):
        if reverse:
            shape = (*token_ids.shape[:-1], self.vocabulary_size)
        else:
            self._check_ids(token_ids, segment_ids, position_ids)
            shape = (*token_ids.shape, self.hidden_dim)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "hidden_dim": self.hidden_dim,
            "max_length": self.max_length,
            "num_segments": self.num_segments,
            "dropout": self.dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_range": self.initializer_range,
        }
