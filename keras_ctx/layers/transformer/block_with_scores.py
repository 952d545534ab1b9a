"""A block that also returns its attention scores."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_ctx")
class BlockWithScores(keras.layers.Layer):
    """A block, shared with an encoder, that returns its attention scores.

    Keras checks a graph against the outputs of a layer's first call: a block
    that returned one tensor there cannot return two elsewhere. This wrapper
    can.

    Args:
        block: A block of a Transformer, or an `AttentionalLSTMDecoder`; this
            layer has no other weights.

    Call arguments:
        inputs: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token.
        encoder_sequence: `(B, K, D)`, of a block with cross-attention.
        encoder_padding_mask: Booleans `(B, K)`.
        initial_state: A list of tensors `(B, D)`, of LSTMs.

    Returns:
        The block's output `(B, T, D)`, and its scores `(B, H, T, T)`; with
        cross-attention a pair of them and of those `(B, H, T, K)`; of LSTMs
        the second alone.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.layers import TransformerEncoderBlock
        >>> block = TransformerEncoderBlock(num_heads=2, intermediate_dim=32)
        >>> x, scores = BlockWithScores(block)(np.ones((1, 5, 8)))
        >>> tuple(x.shape), tuple(scores.shape)
        ((1, 5, 8), (1, 2, 5, 5))
    """

    def __init__(self, block: keras.layers.Layer, **kwargs):
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
        initial_state=None,
        training=None,
    ):
        return self.block(
            inputs,
            padding_mask=padding_mask,
            return_attention_scores=True,
            training=training,
            **_given(encoder_sequence, encoder_padding_mask, initial_state),
        )

    def compute_output_spec(
        self,
        inputs,
        padding_mask=None,
        encoder_sequence=None,
        encoder_padding_mask=None,
        initial_state=None,
        training=None,
    ):
        return self.block.compute_output_spec(
            inputs,
            padding_mask=padding_mask,
            return_attention_scores=True,
            **_given(encoder_sequence, encoder_padding_mask, initial_state),
        )

    def get_config(self):
        block = keras.saving.serialize_keras_object(self.block)
        return {**super().get_config(), "block": block}

    @classmethod
    def from_config(cls, config):
        block = keras.saving.deserialize_keras_object(config["block"])
        return cls(**{**config, "block": block})


def _given(
    encoder_sequence: Any, encoder_padding_mask: Any, initial_state: Any
) -> dict[str, Any]:
    """Returns the arguments that only a decoder's block has, if given."""
    found = {
        "encoder_sequence": encoder_sequence,
        "encoder_padding_mask": encoder_padding_mask,
        "initial_state": initial_state,
    }
    return {name: x for name, x in found.items() if x is not None}
