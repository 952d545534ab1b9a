"""Self-attention of a Transformer block, with a float32 softmax."""

from keras import ops

from keras_ctx.layers.base.keras_hooks import AttentionHook
from keras_ctx.layers.transformer.activations import softmax


class SelfAttention(AttentionHook):
    """`keras.layers.MultiHeadAttention` with a float32 softmax.

    Keras rounds the softmax to the compute dtype when there is dropout.
    """

    def attend(self, query, key, value, attention_mask, training):
        query = query * ops.cast(self.key_dim**-0.5, query.dtype)
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key)  # (B, H, T, T)
        if scores.dtype != "float64":
            scores = ops.cast(scores, "float32")
        if attention_mask is not None:
            mask = ops.expand_dims(attention_mask, 1)
            scores = ops.where(mask, scores, ops.cast(-1e9, scores.dtype))
        scores = ops.cast(softmax(scores), value.dtype)
        weights = self.drop_scores(scores, training)
        return ops.einsum("bhqk,bkhd->bqhd", weights, value), scores
