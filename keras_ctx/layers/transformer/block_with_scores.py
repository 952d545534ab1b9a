"""A Transformer block that also returns its attention scores."""

from typing import Any

import keras

from keras_ctx.layers.transformer.transformer_block import TransformerBlock


@keras.saving.register_keras_serializable(package="keras_ctx")
class BlockWithScores(keras.layers.Layer):
    """A block, shared with an encoder, that returns its attention scores.

    Keras checks a graph against the outputs of a layer's first call: a block
    that returned one tensor there cannot return two elsewhere. This wrapper
    can.

    Args:
        block: The block; this layer has no other weights.

    Call arguments:
        inputs: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token.
        encoder_sequence: `(B, K, D)`, of a block with cross-attention.
        encoder_padding_mask: Booleans `(B, K)`.

    Returns:
        The block's output `(B, T, D)`, and its scores `(B, H, T, T)`; with
        cross-attention a pair of them and of those `(B, H, T, K)`.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.layers import TransformerEncoderBlock
        >>> block = TransformerEncoderBlock(num_heads=2, intermediate_dim=32)
        >>> x, scores = BlockWithScores(block)(np.ones((1, 5, 8)))
        >>> tuple(x.shape), tuple(scores.shape)
        ((1, 5, 8), (1, 2, 5, 5))
    """

    def __init__(self, block: TransformerBlock, **kwargs):
        super().__init__(**{"dtype": block.dtype_policy, **kwargs})
        self.block: Any = block

    def build(self, inputs_shape, **shapes):
        if not self.block.built:
            self.block.build(inputs_shape, **shapes)

    def call(
        self,
        inputs,
        padding_mask=None,
        encoder_sequence=None,
        encoder_padding_mask=None,
        training=None,
    ):
        return self.block(
            inputs,
            padding_mask=padding_mask,
            return_attention_scores=True,
            training=training,
            **_given(encoder_sequence, encoder_padding_mask),
        )

    def compute_output_spec(
        self,
        inputs,
        padding_mask=None,
        encoder_sequence=None,
        encoder_padding_mask=None,
        training=None,
    ):
        return self.block.compute_output_spec(
            inputs,
            padding_mask=padding_mask,
            return_attention_scores=True,
            **_given(encoder_sequence, encoder_padding_mask),
        )

    def get_config(self):
        block = keras.saving.serialize_keras_object(self.block)
        return {**super().get_config(), "block": block}

    @classmethod
    def from_config(cls, config):
        block = keras.saving.deserialize_keras_object(config["block"])
        return cls(**{**config, "block": block})


def _given(encoder_sequence: Any, encoder_padding_mask: Any) -> dict[str, Any]:
    """Returns the arguments that only a decoder's block has, if given."""
    if encoder_sequence is None:
        return {}
    return {
        "encoder_sequence": encoder_sequence,
        "encoder_padding_mask": encoder_padding_mask,
    }
