"""BERT's encoder, as a functional model."""

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.checks import check_at_least


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
) -> keras.Model:
    """A BERT encoder as a functional model.

    Inputs `token_ids`, `segment_ids` (integers) and `padding_mask` (booleans,
    true = real token), each `(B, T)`. Outputs `sequence` `(B, T, D)`, the last
    of `layers`, the list of the embeddings and every block's output, each
    `(B, T, D)`; `pooled` `(B, D)`, the first token through a dense layer and
    tanh; and `padding_mask`, passed on for heads. Keras casts what it is given
    to the dtypes of the inputs, before any check: a mask of 0 and -1e9, such
    as Hugging Face adds to scores, must be given as `mask == 0`.

    Layer names: `embeddings`, `block_0` ... , `pooler`, and with `norm_first`
    `final_norm`, which normalizes the last of `layers`.

    Args:
        vocabulary_size: Tokens in the vocabulary.
        num_layers: Encoder blocks.
        num_heads: Attention heads; must divide `hidden_dim`.
        hidden_dim: Features of a token.
        intermediate_dim: Features inside the feed-forward halves.
        max_length: Positions, in tokens.
        num_segments: Segments.
        activation: "gelu" (exact), "gelu_tanh" or "relu".
        dropout: Share dropped in training.
        attention_dropout: Share of attention dropped in training.
        norm_first: Pre-norm if true.
        layer_norm_epsilon: Added to the variance in norms.
        initializer_range: Standard deviation of all tables and kernels at
            the start, also of the heads that are put on the encoder; 0.02 is
            BERT's.
        name: Name of the model.
        block_initializer_range: The same of the blocks alone; `None`: of
            `initializer_range`. 128 features and less learn much sooner with
            `hidden_dim ** -0.5`, 256 do not.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: a size is not positive, heads that do not divide
            `hidden_dim`, an unknown activation; from a call, rows longer than
            `max_length`.

    Example:
        >>> import numpy as np
        >>> encoder = bert_encoder(100, 2, 2, 16, 32, max_length=8)
        >>> ids = np.array([[2, 7, 3]])
        >>> outputs = encoder({"token_ids": ids, "segment_ids": 0 * ids,
        ...                    "padding_mask": ids > 0})
        >>> outputs["pooled"].shape, len(outputs["layers"])
        (TensorShape([1, 16]), 3)

    Source:
        Devlin et al. 2019, https://arxiv.org/abs/1810.04805.
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
    for i in range(num_layers):
        x = layers.TransformerEncoderBlock(
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
            name=f"block_{i}",
        )(x, padding_mask=padding_mask)
        outputs.append(x)
    if norm_first:
        outputs[-1] = keras.layers.LayerNormalization(
            epsilon=layer_norm_epsilon, name="final_norm"
        )(x)
    # A sum of one, or of none in a batch without tokens, where an index fails.
    first = ops.sum(outputs[-1][:, :1], axis=1)
    pooled = keras.layers.Dense(
        hidden_dim,
        activation="tanh",
        kernel_initializer=keras.initializers.TruncatedNormal(
            stddev=initializer_range
        ),
        name="pooler",
    )(first)
    return keras.Model(
        {
            "token_ids": token_ids,
            "segment_ids": segment_ids,
            "padding_mask": padding_mask,
        },
        {
            "sequence": outputs[-1],
            "layers": outputs,
            "pooled": pooled,
            "padding_mask": padding_mask,
        },
        name=name,
    )
