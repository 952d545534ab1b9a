"""The attention of a Transformer block, exact in low precision."""

import keras
from keras import ops

from keras_ctx.layers.transformer.activations import softmax


class SelfAttention(keras.layers.MultiHeadAttention):
    """`keras.layers.MultiHeadAttention` whose softmax is always float32."""

    def _compute_attention(
        self,
        query,
        key,
        value,
        attention_mask=None,
        training=None,
        return_attention_scores=False,
        use_causal_mask=False,
    ):
        # The hook that Keras documents for other attentions. Keras itself
        # rounds the softmax to the compute dtype when there is dropout.
        query = query * ops.cast(self.key_dim**-0.5, query.dtype)
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key)  # (B, H, T, T)
        if scores.dtype != "float64":
            scores = ops.cast(scores, "float32")
        if attention_mask is not None:
            mask = ops.expand_dims(attention_mask, 1)
            scores = ops.where(mask, scores, ops.cast(-1e9, scores.dtype))
        scores = ops.cast(softmax(scores), value.dtype)
        weights = self._dropout_layer(scores, training=training)
        return ops.einsum("bhqk,bkhd->bqhd", weights, value), scores
