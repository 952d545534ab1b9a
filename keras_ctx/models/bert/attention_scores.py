"""A model that returns the attention of every block of a Transformer."""

from typing import Any

import keras

from keras_ctx.layers.transformer.block_with_scores import BlockWithScores


def attention_scores(
    encoder: keras.Model, name: str = "attention_scores"
) -> keras.Model:
    """Builds a model that returns the attention scores of every block.

    Args:
        encoder: A model of `bert_encoder`, `gpt_encoder` or
            `transformer_encoder`, or one that `encoder_of` took out
            of a task model. The layers are shared: later training of the
            encoder changes this model, too.
        name: Name of the model.

    Returns:
        A `keras.Model` from the encoder's inputs to `attention_scores`, a
        list of one tensor `(B, H, T, T)` for each block, lowest first: for
        each head and query (third axis) the weights of all keys (last axis),
        which sum to 1. They are taken after the softmax and before dropout.
        Padded keys have 0; in a row without tokens all keys have equal
        weights.

    Raises:
        ValueError: The encoder has no blocks with attention, such as an ELMo,
            or is one of `packed`.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import bert_encoder
        >>> model = attention_scores(bert_encoder(9, 2, 2, 8, 16))
        >>> ids = np.array([[2, 7, 3]])
        >>> scores = model({"token_ids": ids, "segment_ids": 0 * ids,
        ...                 "padding_mask": ids > 0})["attention_scores"]
        >>> len(scores), tuple(scores[0].shape)
        (2, (1, 2, 3, 3))

    Source:
        Vaswani et al. 2017, section 3.2.1, https://arxiv.org/abs/1706.03762.
    """
    found: dict[str, Any] = {layer.name: layer for layer in encoder.layers}
    prefix = "block_" if "block_0" in found else "decoder_block_"
    if "embeddings" not in found or f"{prefix}0" not in found:
        raise ValueError(
            "`encoder` must be a model of `bert_encoder`, `gpt_encoder` or "
            "`transformer_encoder`, with attention blocks. The LSTMs of an "
            "ELMo have none; for a task model give `encoder_of(model)`. "
            "Received: "
            f"{encoder.name!r} with the layers {sorted(found)[:10]}"
        )
    inputs = encoder.input
    if "padding_mask" not in inputs:
        raise ValueError(
            "`encoder` must read one text a row. Give the encoder that was "
            "packed, or `encoder_of(encoder)`, and rows of one text; their "
            "scores are those inside a packed row. Received: "
            f"{encoder.name!r} with the inputs {sorted(inputs)}"
        )
    ids = [inputs[x] for x in ("token_ids", "segment_ids") if x in inputs]
    x = found["embeddings"](*ids)
    scores = []
    while block := found.get(f"{prefix}{len(scores)}"):
        of_block = BlockWithScores(block, name=f"scores_{len(scores)}")
        x, shares = of_block(x, padding_mask=inputs["padding_mask"])
        scores.append(shares)
    return keras.Model(inputs, {"attention_scores": scores}, name=name)
