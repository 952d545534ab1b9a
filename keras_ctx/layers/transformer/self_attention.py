"""Self-attention of a Transformer block, with a float32 softmax."""

import math

import keras
from keras import ops

from keras_ctx.layers.base.dropout import drawn_seed, drop
from keras_ctx.layers.base.keras_hooks import AttentionHook
from keras_ctx.layers.transformer.chunked_attention import (
    PLAIN_LENGTH,
    chunked_attention,
    masked_softmax,
)


class SelfAttention(AttentionHook):
    """`keras.layers.MultiHeadAttention` with a float32 softmax.

    Keras rounds the softmax to the compute dtype when there is dropout, and
    projects the tokens of each sequence by a product of their own; here, all
    tokens of a batch are projected by one product.

    Call arguments:
        inputs: `(B, T, D)`.
        attention_mask: Booleans `(B, 1 or T, T)`, true where the query (second
            axis) may attend to the key (third axis), or `None`.
        return_attention_scores: Whether to return the scores, too.
        max_length: The most tokens of usual rows, if known. A graph for any
            T holds all scores at the same time if it is at most 512.
        seed: The `DrawnSeed` of the dropout; `None`: it draws one.

    Returns:
        `(B, T, D)`, and the scores `(B, H, T, T)` before dropout, or `None`.
    """

    def call(
        self,
        inputs,
        attention_mask=None,
        return_attention_scores=False,
        max_length=None,
        seed=None,
        training=None,
    ):
        query, key, value = (
            _project(dense, inputs)  # (B, T, H, D / H)
            for dense in (self.query_dense, self.key_dense, self.value_dense)
        )
        query = query * ops.cast(query.shape[-1] ** -0.5, query.dtype)
        seed = seed or drawn_seed(self.dropout_layer, training)
        length = ops.shape(inputs)[1]
        scores = None
        if return_attention_scores or _keeps_scores(length, max_length):
            scores = _scores(query, key, attention_mask)
            weights = drop(self.dropout_layer, scores, training, seed)
            x = ops.einsum("bhqk,bkhd->bqhd", weights, value)
        else:
            rate = self.dropout_layer.rate
            x = chunked_attention(query, key, value, attention_mask, rate, seed)
        return _project(self.output_dense, x), scores


def _keeps_scores(length, max_length: int | None) -> bool:
    """Returns whether the scores of all queries exist at the same time."""
    if keras.backend.backend() == "torch":
        return True  # chunks were not tested there
    if isinstance(length, int):
        return length <= PLAIN_LENGTH
    return max_length is not None and max_length <= PLAIN_LENGTH


def _scores(query, key, attention_mask):
    """Returns the scores `(B, H, T, T)` after a softmax in float32."""
    scores = ops.einsum("bqhd,bkhd->bhqk", query, key)
    mask = attention_mask
    if mask is not None:
        mask = ops.expand_dims(mask, 1)
    return ops.cast(masked_softmax(scores, mask), query.dtype)


def _project(dense, x):
    """Applies an `EinsumDense` from D numbers a token to D others."""
    if dense.quantization_mode is not None:
        return dense(x)
    shape = dense.bias.shape  # (D,) or (H, D / H)
    dim = math.prod(shape)
    rows = ops.matmul(
        ops.reshape(x, (-1, dim)), ops.reshape(dense.kernel, (dim, dim))
    )
    rows = ops.add(rows, ops.reshape(dense.bias, (dim,)))
    return ops.reshape(rows, (*ops.shape(x)[:2], *shape))
