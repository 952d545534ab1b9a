"""GPT's entry among the families of encoders."""

from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.models.family import Family
from keras_ctx.models.wiring import block_stack, encoder_model, outputs_of

PREFIX = "decoder_block_"


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    outputs = outputs_of(found, PREFIX)
    inputs = {key: model.input[key] for key in GPT.inputs}
    padding_mask = inputs["padding_mask"]
    pooled = layers.Pooling("last", name="last_token")(
        outputs[-1], padding_mask
    )
    return encoder_model(
        inputs, outputs, pooled, padding_mask, name or "gpt_encoder"
    )


def sizes_of(encoder: keras.Model) -> dict[str, Any]:
    """Returns the sizes that text inputs must fit."""
    embeddings = encoder.get_layer("embeddings")
    return {
        "vocabulary_size": embeddings.vocabulary_size,
        "positions": embeddings.max_length,
    }


GPT = Family(
    "gpt",
    reads="the token ids of a GPT",
    inputs=("token_ids", "padding_mask"),
    layers=("embeddings", "decoder_block_0"),
    text_inputs=("GPTInputs", "GPT1Inputs"),
    encoder=_encoder,
    stack=lambda encoder: block_stack(encoder, PREFIX),
    sizes=sizes_of,
    position_table="TokenAndPositionEmbedding",
    causal=True,
)
