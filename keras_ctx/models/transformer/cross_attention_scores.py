"""A model that returns where a decoder looks in the other text."""

from typing import Any

import keras

from keras_ctx.layers import AttentionalLSTMDecoder
from keras_ctx.layers.transformer.block_with_scores import BlockWithScores
from keras_ctx.models.encoder_of import encoder_of
from keras_ctx.models.wiring import decoder_table, final_states


def cross_attention_scores(
    model: keras.Model, name: str = "cross_attention_scores"
) -> keras.Model:
    """Builds a model that returns the cross-attention of every decoder block.

    It shows which words of a text a translation follows. The lower half of the
    blocks often aligns words best, the last block worst.

    Args:
        model: A model of `encoder_decoder` or `attentional_lstm_translator`.
            The layers are shared: later training of it changes this model,
            too.
        name: Name of the model.

    Returns:
        A `keras.Model` from the inputs of `model` to
        `cross_attention_scores`, a list of one tensor `(B, H, U, T)` for each
        decoder block, lowest first: for each head and position of the decoder
        the weights of the encoder's tokens, which sum to 1. They are taken
        after the softmax and before dropout; padding has 0. A translator with
        LSTMs has one tensor, with one head.

    Raises:
        ValueError: The model has no decoder with cross-attention.

    Example:
        >>> import numpy as np
        >>> from keras_ctx import models
        >>> model = models.cross_attention_scores(models.encoder_decoder(
        ...     models.transformer_encoder(9, 1, 2, 8, 16)))
        >>> ids, mask = np.array([[2, 7, 3]]), np.ones((1, 3), "bool")
        >>> found = model({"token_ids": ids, "padding_mask": mask,
        ...     "decoder_token_ids": ids[:, :2],
        ...     "decoder_padding_mask": mask[:, :2]})
        >>> [tuple(x.shape) for x in found["cross_attention_scores"]]
        [(1, 2, 2, 3)]

    Source:
        Vaswani et al. 2017, section 3.2.3, https://arxiv.org/abs/1706.03762;
        as an alignment: Garg et al. 2019, https://arxiv.org/abs/1909.02074.
    """
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    block = found.get("decoder_block_0")
    of_lstms = isinstance(found.get("decoder"), AttentionalLSTMDecoder)
    if not of_lstms and (block is None or not block.cross_attention):
        raise ValueError(
            "`model` must be one of `encoder_decoder` or "
            "`attentional_lstm_translator`, whose decoder attends to an "
            f"encoder. Received: {model.name!r} with the layers "
            f"{sorted(found)[:10]}"
        )
    of_encoder = encoder_of(model).output
    if of_lstms:
        _, shares = BlockWithScores(found["decoder"], name="scores_0")(
            found["decoder_embeddings"](model.input["decoder_token_ids"]),
            padding_mask=model.input["decoder_padding_mask"],
            encoder_sequence=of_encoder["sequence"],
            encoder_padding_mask=of_encoder["padding_mask"],
            initial_state=final_states(found),
        )
        return keras.Model(
            model.input, {"cross_attention_scores": [shares]}, name=name
        )
    x = decoder_table(found)(model.input["decoder_token_ids"])
    scores = []
    while block := found.get(f"decoder_block_{len(scores)}"):
        x, (_, shares) = BlockWithScores(block, name=f"scores_{len(scores)}")(
            x,
            padding_mask=model.input["decoder_padding_mask"],
            encoder_sequence=of_encoder["sequence"],
            encoder_padding_mask=of_encoder["padding_mask"],
        )
        scores.append(shares)
    return keras.Model(
        model.input, {"cross_attention_scores": scores}, name=name
    )
