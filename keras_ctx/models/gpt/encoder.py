"""GPT's decoder stack, as an encoder like any other."""

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.models.wiring import encoder_model


def gpt_encoder(
    vocabulary_size: int,
    num_layers: int,
    num_heads: int,
    hidden_dim: int,
    intermediate_dim: int,
    max_length: int = 1024,
    activation: str = "gelu_tanh",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = True,
    layer_norm_epsilon: float = 1e-5,
    initializer_range: float = 0.02,
    name: str = "gpt_encoder",
) -> keras.Model:
    """Builds a GPT or GPT-2 as a functional model.

    A token sees itself and the tokens before it. So `pooled` is the last real
    token, the only one that has seen the whole text; heads for tokens see
    nothing of what follows. `causal_language_model` predicts the next token.

    Inputs: `token_ids` (integers) and `padding_mask` (booleans, true = real
    token), each `(B, T)`, with padding behind the text. Outputs: `layers`,
    the list of the embeddings and every block's output, each `(B, T, D)`;
    `sequence` `(B, T, D)`, the last of them; `pooled` `(B, D)`; and
    `padding_mask`, unchanged, for heads.

    Layer names: `embeddings`, `decoder_block_0` ... , and with `norm_first`
    `final_norm`, which normalizes the last of `layers`.

    Args:
        vocabulary_size: Number of tokens in the vocabulary.
        num_layers: Number of blocks.
        num_heads: Number of attention heads; must divide `hidden_dim`.
        hidden_dim: Number of features of a token.
        intermediate_dim: Number of features inside the feed-forward networks.
        max_length: Number of positions: the most tokens of a row.
        activation: "gelu_tanh" (GPT, GPT-2), "gelu" (exact), "relu" or
            "silu".
        dropout: Dropout rate.
        attention_dropout: Dropout rate of the attention scores.
        norm_first: Whether the blocks normalize their inputs (pre-norm): true
            in GPT-2, false in GPT.
        layer_norm_epsilon: Added to the variance in layer normalization.
        initializer_range: Standard deviation of the initial values of all
            tables and kernels.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: A size is not positive, `num_heads` does not divide
            `hidden_dim`, or the activation is unknown; in a call, rows are
            longer than `max_length`.

    Example:
        >>> import numpy as np
        >>> encoder = gpt_encoder(100, 2, 2, 16, 32, max_length=8)
        >>> ids = np.array([[2, 7, 3]])
        >>> outputs = encoder({"token_ids": ids, "padding_mask": ids > 0})
        >>> tuple(outputs["pooled"].shape), len(outputs["layers"])
        ((1, 16), 3)

    Source:
        Radford et al. 2018 and 2019 (GPT-2),
        https://github.com/openai/gpt-2. There the kernels that end a residual
        branch start smaller, by the square root of 2 L.
    """
    check_at_least(1, num_layers=num_layers)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    x = layers.TokenAndPositionEmbedding(
        vocabulary_size,
        hidden_dim,
        max_length,
        dropout=dropout,
        initializer_range=initializer_range,
        name="embeddings",
    )(token_ids)
    outputs = [x]
    for i in range(num_layers):
        x = layers.TransformerDecoderBlock(
            num_heads,
            intermediate_dim,
            activation,
            dropout,
            attention_dropout,
            norm_first,
            layer_norm_epsilon,
            initializer_range,
            max_length,
            name=f"decoder_block_{i}",
        )(x, padding_mask=padding_mask)
        outputs.append(x)
    if norm_first:
        outputs[-1] = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, name="final_norm"
        )(x)
    pooled = layers.Pooling("last", name="last_token")(
        outputs[-1], padding_mask
    )
    inputs = {"token_ids": token_ids, "padding_mask": padding_mask}
    return encoder_model(inputs, outputs, pooled, padding_mask, name)
