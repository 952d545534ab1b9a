"""A decoder on an encoder: the model that translates."""

from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least


def encoder_decoder(
    encoder: keras.Model,
    num_layers: int | None = None,
    num_heads: int | None = None,
    intermediate_dim: int | None = None,
    vocabulary_size: int | None = None,
    max_length: int | None = None,
    activation: str | None = None,
    dropout: float | None = None,
    attention_dropout: float | None = None,
    norm_first: bool | None = None,
    layer_norm_epsilon: float | None = None,
    attention_bias: bool | None = None,
    output_bias: bool = False,
    zero_id: int | None = None,
    name: str = "encoder_decoder",
) -> keras.Model:
    """Builds an encoder with a decoder that attends to its last layer.

    The decoder predicts each token of another text from the tokens before it
    and the encoder's. Its logits are products with its token table. If
    `vocabulary_size` is `None`, table and positions are the encoder's: source,
    target and output share one table. The layers of the encoder are shared:
    training this model trains `encoder`.

    Inputs: those of the encoder; `decoder_token_ids` (integers) and
    `decoder_padding_mask` (booleans, true = real token), each `(B, U)`: the
    start token, then the text. Output: `next_token` `(B, U, V)`, the logits
    of the token after each position. For training, give the text and an end
    token as targets, and weight 0 to padding.

    Layer names in addition to the encoder's: `decoder_block_0` ... ; with a
    vocabulary of its own `decoder_embeddings`, with pre-norm
    `decoder_final_norm`, with `output_bias` `output_bias`.

    Args:
        encoder: A model of `transformer_encoder`, or of another family.
        num_layers: Number of decoder blocks; `None`: those of the encoder.
        num_heads: As the next arguments: `None` takes that of the encoder's
            first block.
        intermediate_dim: Number of features inside the feed-forward networks.
        vocabulary_size: Number of tokens of the decoder's own table.
        max_length: Maximum number of tokens of the decoder's rows, with a
            table of its own; `None`: the encoder's.
        activation: As of `transformer_encoder`.
        dropout: Dropout rate.
        attention_dropout: Dropout rate of the attention scores.
        norm_first: Whether the blocks normalize their inputs (pre-norm).
        layer_norm_epsilon: Added to the variance in layer normalization.
        attention_bias: Whether the projections of the attentions have biases.
        output_bias: Whether the logits have a bias, as in Marian.
        zero_id: As of `layers.TokenAndPositionEmbedding`, of the decoder's
            own table.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: An argument is missing that the encoder does not have, or
            the encoder has no table to share.

    Example:
        >>> from keras_ctx.models import transformer_encoder
        >>> model = encoder_decoder(transformer_encoder(100, 2, 2, 16, 32))
        >>> model.output["next_token"].shape
        (None, None, 100)

    Source:
        Vaswani et al. 2017, section 3, https://arxiv.org/abs/1706.03762.
    """
    found: dict[str, Any] = {layer.name: layer for layer in encoder.layers}
    if "decoder_block_0" in found:
        raise ValueError(
            "`encoder` must have no causal blocks, whose names are those of "
            f"the decoder's. Received: {encoder.name!r}, a GPT or a model "
            "with a decoder"
        )
    given = {
        "num_heads": num_heads,
        "intermediate_dim": intermediate_dim,
        "activation": activation,
        "dropout": dropout,
        "attention_dropout": attention_dropout,
        "norm_first": norm_first,
        "layer_norm_epsilon": layer_norm_epsilon,
        "attention_bias": attention_bias,
    }
    block = found.get("block_0")
    arguments: dict[str, Any] = {
        key: getattr(block, key, None) if value is None else value
        for key, value in given.items()
    }
    if num_layers is None:
        num_layers = sum(x.startswith("block_") for x in found)
    missing = [key for key, value in arguments.items() if value is None]
    if missing or num_layers < 1:
        raise ValueError(
            "`encoder_decoder` needs the arguments that the encoder does not "
            f"have. Received: no {', '.join(missing or ['num_layers'])} for "
            f"{encoder.name!r} with the layers {sorted(found)[:10]}"
        )
    check_at_least(1, num_layers=num_layers)
    sequence = encoder.output["sequence"]
    embeddings = _embeddings(
        found.get("embeddings"),
        *(sequence.shape[-1], vocabulary_size, max_length),
        *(arguments["dropout"], zero_id),
    )
    token_ids = keras.Input((None,), dtype="int32", name="decoder_token_ids")
    padding_mask = keras.Input(
        (None,), dtype="bool", name="decoder_padding_mask"
    )
    x = embeddings(token_ids)
    for i in range(num_layers):
        x = layers.TransformerDecoderBlock(
            **arguments,
            initializer_range=sequence.shape[-1] ** -0.5,
            max_length=embeddings.max_length,
            cross_attention=True,
            name=f"decoder_block_{i}",
        )(
            x,
            encoder_sequence=sequence,
            padding_mask=padding_mask,
            encoder_padding_mask=encoder.output["padding_mask"],
        )
    if arguments["norm_first"]:
        x = keras.layers.LayerNormalization(
            epsilon=arguments["layer_norm_epsilon"], name="decoder_final_norm"
        )(x)
    logits = embeddings(x, reverse=True)
    if output_bias:
        logits = layers.VocabularyBias(name="output_bias")(logits)
    inputs = {
        **encoder.input,
        "decoder_token_ids": token_ids,
        "decoder_padding_mask": padding_mask,
    }
    return keras.Model(inputs, {"next_token": logits}, name=name)


def _embeddings(
    shared: Any,
    hidden_dim: int,
    vocabulary_size: int | None,
    max_length: int | None,
    dropout: float,
    zero_id: int | None,
) -> Any:
    """Returns the decoder's input layer: the encoder's, or one of its own."""
    ours = isinstance(shared, layers.TokenAndPositionEmbedding)
    if vocabulary_size is None:
        if not ours:
            raise ValueError(
                "`vocabulary_size` must be given: only an encoder of "
                "`transformer_encoder` has a table that a decoder can share. "
                "Received: vocabulary_size=None"
            )
        return shared
    return layers.TokenAndPositionEmbedding(
        vocabulary_size,
        hidden_dim,
        max_length or getattr(shared, "max_length", 512),
        shared.positions if ours else "interleaved",
        shared.scale if ours else True,
        dropout,
        hidden_dim**-0.5,
        zero_id,
        name="decoder_embeddings",
    )
