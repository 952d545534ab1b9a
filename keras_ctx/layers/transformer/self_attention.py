"""Self-attention of a Transformer block, with a float32 softmax."""

import math

from keras import ops

from keras_ctx.layers.base.dropout import drop
from keras_ctx.layers.base.keras_hooks import AttentionHook
from keras_ctx.layers.transformer.activations import softmax


class SelfAttention(AttentionHook):
    """`keras.layers.MultiHeadAttention` with a float32 softmax.

    Keras rounds the softmax to the compute dtype when there is dropout, and
    projects the tokens of each sequence by a product of their own; here, all
    tokens of a batch are projected by one product.

    Call arguments:
        inputs: `(B, T, D)`.
        attention_mask: Booleans `(B, 1 or T, T)`, true where the query (second
            axis) may attend to the key (third axis), or `None`.

    Returns:
        `(B, T, D)`, and the scores `(B, H, T, T)` before dropout.
    """

    def call(self, inputs, attention_mask=None, training=None):
        query, key, value = (
            _project(dense, inputs)  # (B, T, H, D / H)
            for dense in (self.query_dense, self.key_dense, self.value_dense)
        )
        scores = _scores(query, key, attention_mask)
        weights = drop(self.dropout_layer, scores, training)
        x = ops.einsum("bhqk,bkhd->bqhd", weights, value)
        return _project(self.output_dense, x), scores


def _scores(query, key, attention_mask):
    """Returns the scores `(B, H, T, T)` after a softmax in float32."""
    dtype = query.dtype
    query = query * ops.cast(query.shape[-1] ** -0.5, dtype)
    scores = ops.einsum("bqhd,bkhd->bhqk", query, key)
    if scores.dtype != "float64":
        scores = ops.cast(scores, "float32")
    if attention_mask is not None:
        mask = ops.expand_dims(attention_mask, 1)
        scores = ops.where(mask, scores, ops.cast(-1e9, scores.dtype))
    return ops.cast(softmax(scores), dtype)


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
