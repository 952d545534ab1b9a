"""The input layer of decoders: tokens and positions, summed."""

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_axes,
    check_choice,
    check_positive,
    check_rank,
    check_rate,
    shape_of,
)
from keras_ctx.layers.base.composite_layer import CompositeLayer
from keras_ctx.layers.base.dropout import drop
from keras_ctx.layers.base.embedding_lookup import first_rows, lookup
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.ids import IdsLayer, as_ids
from keras_ctx.layers.transformer.sine_positions import FORMS, SinePositions

LEARNED = "learned"


@keras.saving.register_keras_serializable(package="keras_ctx")
class TokenAndPositionEmbedding(IdsLayer, CompositeLayer):
    """Sums token and position embeddings, without a norm.

    GPT has learned positions; the Transformer has sines, and multiplies the
    tokens' vectors by the square root of D first (`scale`). As in
    `TokenAndSegmentEmbedding`, an id outside its table gives NaN, and
    `reverse=True` maps vectors to logits with the same table.

    Args:
        vocabulary_size: Number of rows of the token table.
        hidden_dim: Number of features of a vector.
        max_length: Number of positions, in tokens. Sines exist for any
            number, but longer rows are refused all the same.
        positions: "learned", or a form of `SinePositions`: "interleaved",
            "halves" or "tensor2tensor".
        scale: Whether to multiply the tokens' vectors by `hidden_dim ** 0.5`.
        dropout: Dropout rate of the sum; not applied if the layer is frozen.
        initializer_range: Standard deviation of the initial values of the
            tables: a normal distribution, truncated at twice that.
        zero_id: The id whose vector is 0 before positions are added, as that
            of padding in tensor2tensor; `None`: each id has its row.

    Call arguments:
        token_ids: Integers `(B, T)`, `T <= max_length`. With `reverse=True`
            vectors `(..., D)`.
        reverse: Whether to map vectors to logits over the vocabulary instead.
        position_ids: Integers `(B, T)`, from 0 to `max_length - 1`. `None`
            counts the tokens of each row.

    Returns:
        `(B, T, D)`; with `reverse=True` logits `(..., V)`, without a bias.

    Raises:
        ValueError: A size is not positive, ids are not `(B, T)` or differ in
            shape, or `T > max_length` without `position_ids`.

    Masking:
        None. With `reverse=True` the Keras mask is passed on.

    Example:
        >>> import numpy as np
        >>> embed = TokenAndPositionEmbedding(100, 16, max_length=8)
        >>> tuple(embed(np.array([[2, 7, 9]])).shape)
        (1, 3, 16)

    Source:
        Radford et al. 2018, section 3.1; Vaswani et al. 2017, sections 3.4
        and 3.5, https://arxiv.org/abs/1706.03762.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden_dim: int,
        max_length: int,
        positions: str = LEARNED,
        scale: bool = False,
        dropout: float = 0.1,
        initializer_range: float = 0.02,
        zero_id: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(
            1,
            vocabulary_size=vocabulary_size,
            hidden_dim=hidden_dim,
            max_length=max_length,
        )
        if zero_id is not None:
            check_at_least(0, zero_id=zero_id)
        check_choice((LEARNED, *FORMS), positions=positions)
        check_rate(dropout=dropout)
        check_positive(initializer_range=initializer_range)
        self.vocabulary_size = vocabulary_size
        self.hidden_dim = hidden_dim
        self.max_length = max_length
        self.positions = positions
        self.scale = scale
        self.dropout = dropout
        self.initializer_range = initializer_range
        self.zero_id = zero_id
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
        if positions == LEARNED:
            self.position_embedding = keras.layers.Embedding(
                max_length,
                hidden_dim,
                embeddings_initializer=keras.initializers.TruncatedNormal(
                    stddev=initializer_range
                ),
                dtype=self.dtype_policy,
                name="position_embedding",
            )
        else:
            self.sine_positions = SinePositions(
                positions, dtype=self.dtype_policy, name="sine_positions"
            )
        self.dropout_layer = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="dropout"
        )

    def build(self, token_ids_shape, position_ids_shape=None):
        self.token_embedding.build()
        if self.positions == LEARNED:
            self.position_embedding.build()
        self.restore_sublayers()
        freeze_sublayers(self)

    def _lora_layers(self):
        return [self.token_embedding]

    def call(self, token_ids, reverse=False, position_ids=None, training=None):
        if reverse:
            vectors = ops.cast(token_ids, self.compute_dtype)
            return self.token_embedding(vectors, reverse=True)
        if not self.trainable:
            training = False
        self._check(token_ids, position_ids)
        token_ids = as_ids(token_ids)
        x = lookup(self.token_embedding, token_ids)  # (B, T, D)
        if self.zero_id is not None:
            is_zero = ops.expand_dims(token_ids == self.zero_id, -1)
            x = ops.where(is_zero, ops.zeros_like(x), x)
        if self.scale:
            x = x * ops.cast(self.hidden_dim**0.5, x.dtype)
        if self.positions != LEARNED:
            x = self.sine_positions(x, position_ids=position_ids)
        elif position_ids is None:
            x = x + first_rows(self.position_embedding, ops.shape(token_ids)[1])
        else:
            x = x + lookup(self.position_embedding, as_ids(position_ids))
        return drop(self.dropout_layer, x, training)

    def _check(self, token_ids, position_ids):
        check_rank(2, token_ids=token_ids, position_ids=position_ids)
        check_axes("BT", token_ids=token_ids, position_ids=position_ids)
        length = shape_of(token_ids)[1]
        if (
            position_ids is None
            and isinstance(length, int)
            and length > self.max_length
        ):
            raise ValueError(
                f"`token_ids` may hold at most `max_length={self.max_length}` "
                f"tokens per row. Received: {length}. Cut the text or build "
                "the model with a larger `max_length`."
            )

    def compute_output_shape(self, token_ids_shape, position_ids_shape=None):
        self._check(token_ids_shape, position_ids_shape)
        return (*token_ids_shape, self.hidden_dim)

    def compute_output_spec(
        self, token_ids, reverse=False, position_ids=None, training=None
    ):
        if reverse:
            shape = (*token_ids.shape[:-1], self.vocabulary_size)
        else:
            self._check(token_ids, position_ids)
            shape = (*token_ids.shape, self.hidden_dim)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "hidden_dim": self.hidden_dim,
            "max_length": self.max_length,
            "positions": self.positions,
            "scale": self.scale,
            "dropout": self.dropout,
            "initializer_range": self.initializer_range,
            "zero_id": self.zero_id,
        }
