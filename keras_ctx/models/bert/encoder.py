"""BERT's encoder, as a functional model."""

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.models.wiring import encoder_model

CAUSAL_PREFIX = "decoder_block_"
"""The names of causal blocks, as in a GPT, before their number."""


def bert_encoder(
    vocabulary_size: int,
    num_layers: int,
    num_heads: int,
    hidden_dim: int,
    intermediate_dim: int,
    max_length: int = 512,
    num_segments: int = 2,
    activation: str = "gelu",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-12,
    initializer_range: float = 0.02,
    name: str = "bert_encoder",
    block_initializer_range: float | None = None,
    causal: bool = False,
) -> keras.Model:
    """Builds a BERT encoder as a functional model.

    Inputs: `token_ids`, `segment_ids` (integers) and `padding_mask` (booleans,
    true = real token), each `(B, T)`. Outputs: `layers`, the list of the
    embeddings and every block's output, each `(B, T, D)`; `sequence`
    `(B, T, D)`, the last of them; `pooled` `(B, D)`, the first token after a
    dense layer and tanh; and `padding_mask`, unchanged, for heads. Keras casts
    its inputs to the dtypes of the model before any check: give a mask of 0
    and -1e9, as Hugging Face adds it to scores, as `mask == 0`.

    Layer names: `embeddings`, `block_0` ... , `pooler`, and with `norm_first`
    `final_norm`, which normalizes the last of `layers`.

    With `causal`, a token sees itself and the tokens before it only, as in
    BERT's ablation "LTR". Blocks are then named `decoder_block_0` ... ; there
    is no pooler, and `pooled` is the last real token: the first one sees
    nothing but itself. `bert_causal_pretrainer` trains such an encoder.

    Args:
        vocabulary_size: Number of tokens in the vocabulary.
        num_layers: Number of encoder blocks.
        num_heads: Number of attention heads; must divide `hidden_dim`.
        hidden_dim: Number of features of a token.
        intermediate_dim: Number of features inside the feed-forward networks.
        max_length: Number of positions: the most tokens of a row.
        num_segments: Number of segments.
        activation: "gelu" (exact), "gelu_tanh", "relu" or "silu".
        dropout: Dropout rate.
        attention_dropout: Dropout rate of the attention scores.
        norm_first: Whether the blocks normalize their inputs (pre-norm).
        layer_norm_epsilon: Added to the variance in layer normalization.
        initializer_range: Standard deviation of the initial values of all
            tables and kernels, also those of heads on the encoder; BERT uses
            0.02.
        name: Name of the model.
        block_initializer_range: `initializer_range` of the blocks alone;
            `None`: the same. With 128 features or fewer, `hidden_dim ** -0.5`
            learns much sooner; with 256 it does not.
        causal: Whether a token sees only the tokens before it.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: A size is not positive, `num_heads` does not divide
            `hidden_dim`, or the activation is unknown; in a call, rows are
            longer than `max_length`.

    Example:
        >>> import numpy as np
        >>> encoder = bert_encoder(100, 2, 2, 16, 32, max_length=8)
        >>> ids = np.array([[2, 7, 3]])
        >>> outputs = encoder({"token_ids": ids, "segment_ids": 0 * ids,
        ...                    "padding_mask": ids > 0})
        >>> tuple(outputs["pooled"].shape), len(outputs["layers"])
        ((1, 16), 3)

    Source:
        Devlin et al. 2019, https://arxiv.org/abs/1810.04805; `causal`:
        section 5.1.
    """
    check_at_least(1, num_layers=num_layers)
    token_ids, segment_ids = (
        keras.Input((None,), dtype="int32", name=key)
        for key in ("token_ids", "segment_ids")
    )
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    x = layers.TokenAndSegmentEmbedding(
        vocabulary_size,
        hidden_dim,
        max_length,
        num_segments,
        dropout,
        layer_norm_epsilon,
        initializer_range,
        name="embeddings",
    )(token_ids, segment_ids)
    outputs = [x]
    new_block = layers.TransformerEncoderBlock
    if causal:
        new_block = layers.TransformerDecoderBlock
    for i in range(num_layers):
        x = new_block(
            num_heads,
            intermediate_dim,
            activation,
            dropout,
            attention_dropout,
            norm_first,
            layer_norm_epsilon,
            initializer_range
            if block_initializer_range is None
            else block_initializer_range,
            max_length,
            name=f"{CAUSAL_PREFIX if causal else 'block_'}{i}",
        )(x, padding_mask=padding_mask)
        outputs.append(x)
    if norm_first:
        outputs[-1] = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, name="final_norm"
        )(x)
    if causal:
        pooled = layers.Pooling("last", name="last_token")(
            outputs[-1], padding_mask
        )
    else:
        # Not `[:, 0]`, which fails in a batch without tokens.
        first = ops.sum(outputs[-1][:, :1], axis=1)
        pooled = keras.layers.Dense(
            hidden_dim,
            activation="tanh",
            kernel_initializer=keras.initializers.TruncatedNormal(
                stddev=initializer_range
            ),
            name="pooler",
        )(first)
    inputs = {
        "token_ids": token_ids,
        "segment_ids": segment_ids,
        "padding_mask": padding_mask,
    }
    return encoder_model(inputs, outputs, pooled, padding_mask, name)
