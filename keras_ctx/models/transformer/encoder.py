"""The encoder of the Transformer, as an encoder like any other."""

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.models.wiring import encoder_model


def transformer_encoder(
    vocabulary_size: int,
    num_layers: int,
    num_heads: int,
    hidden_dim: int,
    intermediate_dim: int,
    max_length: int = 512,
    activation: str = "relu",
    dropout: float = 0.1,
    attention_dropout: float = 0.0,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-6,
    positions: str = "interleaved",
    attention_bias: bool = True,
    scale: bool = True,
    name: str = "transformer_encoder",
) -> keras.Model:
    """Builds the encoder of a Transformer as a functional model.

    `encoder_decoder` adds a decoder. Alone it is an encoder like any other,
    so that a task can be trained on the encoder of a translator.

    Inputs: `token_ids` (integers) and `padding_mask` (booleans, true = real
    token), each `(B, T)`. Outputs: `layers`, the list of the embeddings and
    every block's output, each `(B, T, D)`; `sequence` `(B, T, D)`, the last
    of them; `pooled` `(B, D)`, the mean over the tokens; and `padding_mask`,
    unchanged, for heads.

    Layer names: `embeddings`, `block_0` ... , and with `norm_first`
    `final_norm`, which normalizes the last of `layers`.

    Args:
        vocabulary_size: Number of tokens in the vocabulary.
        num_layers: Number of blocks.
        num_heads: Number of attention heads; must divide `hidden_dim`.
        hidden_dim: Number of features of a token.
        intermediate_dim: Number of features inside the feed-forward networks.
        max_length: Maximum number of tokens of a row.
        activation: "relu" (the paper), "gelu", "gelu_tanh" or "silu".
        dropout: Dropout rate, also of the embeddings.
        attention_dropout: Dropout rate of the attention scores.
        norm_first: Whether the blocks normalize their inputs (pre-norm).
        layer_norm_epsilon: Added to the variance in layer normalization.
        positions: "learned", or a form of `layers.SinePositions`.
        attention_bias: Whether the projections of the attention have biases.
        scale: Whether the tokens' vectors are multiplied by
            `hidden_dim ** 0.5`.
        name: Name of the model.

    Returns:
        A `keras.Model`. Tables and kernels begin with the standard deviation
        `hidden_dim ** -0.5`.

    Raises:
        ValueError: A size is not positive, `num_heads` does not divide
            `hidden_dim`, or a name is unknown; in a call, rows are longer
            than `max_length`.

    Example:
        >>> import numpy as np
        >>> encoder = transformer_encoder(100, 2, 2, 16, 32)
        >>> ids = np.array([[2, 7, 3]])
        >>> outputs = encoder({"token_ids": ids, "padding_mask": ids > 0})
        >>> tuple(outputs["pooled"].shape), len(outputs["layers"])
        ((1, 16), 3)

    Source:
        Vaswani et al. 2017, section 3, https://arxiv.org/abs/1706.03762.
    """
    check_at_least(1, num_layers=num_layers, hidden_dim=hidden_dim)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    x = layers.TokenAndPositionEmbedding(
        vocabulary_size,
        hidden_dim,
        max_length,
        positions,
        scale,
        dropout,
        hidden_dim**-0.5,
        name="embeddings",
    )(token_ids)
    outputs = [x]
    for i in range(num_layers):
        x = layers.TransformerEncoderBlock(
            num_heads,
            intermediate_dim,
            activation,
            dropout,
            attention_dropout,
            norm_first,
            layer_norm_epsilon,
            hidden_dim**-0.5,
            max_length,
            attention_bias=attention_bias,
            name=f"block_{i}",
        )(x, padding_mask=padding_mask)
        outputs.append(x)
    if norm_first:
        outputs[-1] = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, name="final_norm"
        )(x)
    pooled = layers.MaskedMean(name="mean")(outputs[-1], padding_mask)
    inputs = {"token_ids": token_ids, "padding_mask": padding_mask}
    return encoder_model(inputs, outputs, pooled, padding_mask, name)
