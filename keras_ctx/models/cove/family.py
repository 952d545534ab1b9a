"""CoVe's entries among the families of encoders."""

from dataclasses import replace
from typing import Any

import keras

from keras_ctx.models.cove.encoder import of_outputs
from keras_ctx.models.family import Family
from keras_ctx.models.wiring import numbered_layers


def _encoder(
    model: keras.Model, name: str | None, inputs: tuple[str, ...]
) -> keras.Model:
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    outputs = [found["dropout_0"].input]
    outputs += [layer.output for layer in numbered_layers(found, "layer_")]
    last = found["joined"].output if "joined" in found else outputs[-1]
    return of_outputs(
        {key: model.input[key] for key in inputs},
        *(found["padding_mask"].output, outputs),
        *(last, name or "mt_lstm_encoder"),
    )


def _stack(encoder: keras.Model, table: str) -> list[list[keras.layers.Layer]]:
    found: dict[str, Any] = {layer.name: layer for layer in encoder.layers}
    pairs = zip(
        *(numbered_layers(found, f"{x}_") for x in ("forward", "backward")),
        strict=True,
    )
    return [[found[table]], *map(list, pairs)]


COVE = Family(
    "cove",
    reads="the word ids of an MT-LSTM",
    inputs=("word_ids",),
    layers=("word_embedding", "forward_0"),
    text_inputs=("WordInputs", "WordVectorInputs"),
    encoder=lambda model, name: _encoder(model, name, ("word_ids",)),
    stack=lambda encoder: _stack(encoder, "word_embedding"),
    # The table has one more row, for "no token".
    sizes=lambda encoder: {
        "vocabulary_size": encoder.get_layer("word_embedding").input_dim - 1
    },
    recurrent=True,
    frozen=("word_embedding",),
)
_SUBWORDS = ("token_ids", "padding_mask")
COVE_SUBWORDS = replace(
    COVE,
    name="cove_subwords",
    reads="the token ids of an MT-LSTM of subwords",
    inputs=_SUBWORDS,
    layers=("token_embedding", "forward_0"),
    text_inputs=("SentencePieceInputs",),
    encoder=lambda model, name: _encoder(model, name, _SUBWORDS),
    stack=lambda encoder: _stack(encoder, "token_embedding"),
    sizes=lambda encoder: {
        "vocabulary_size": encoder.get_layer("token_embedding").input_dim
    },
    frozen=(),
)
