"""The Transformer's entry among the families of encoders."""

from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.models.bert.family import block_stack
from keras_ctx.models.family import Family
from keras_ctx.models.gpt.family import sizes_of
from keras_ctx.models.wiring import encoder_model, outputs_of


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    outputs = outputs_of(found)
    inputs = {key: model.input[key] for key in TRANSFORMER.inputs}
    padding_mask = inputs["padding_mask"]
    pooled = layers.MaskedMean(name="mean")(outputs[-1], padding_mask)
    return encoder_model(
        *(inputs, outputs, pooled, padding_mask),
        name=name or "transformer_encoder",
    )


TRANSFORMER = Family(
    "transformer",
    reads="the token ids of a Transformer",
    inputs=("token_ids", "padding_mask"),
    layers=("embeddings", "block_0"),
    text_inputs=("SentencePieceInputs",),
    encoder=_encoder,
    stack=block_stack,
    sizes=sizes_of,
    position_table="TokenAndPositionEmbedding",
)
