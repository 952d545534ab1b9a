"""CoVe's entry among the families of encoders."""

from typing import Any

import keras

from keras_ctx.models.cove.encoder import of_outputs
from keras_ctx.models.family import Family


def _layers(model: keras.Model, prefix: str) -> list[Any]:
    """Returns the layers with this prefix and a number, lowest first."""
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    numbered = []
    while layer := found.get(f"{prefix}{len(numbered)}"):
        numbered.append(layer)
    return numbered


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    outputs = [found["dropout_0"].input]
    outputs += [layer.output for layer in _layers(model, "layer_")]
    last = found["joined"].output if "joined" in found else outputs[-1]
    return of_outputs(
        *(model.input["word_ids"], found["padding_mask"].output, outputs),
        *(last, name or "mt_lstm_encoder"),
    )


def _stack(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    pairs = zip(
        _layers(encoder, "forward_"), _layers(encoder, "backward_"), strict=True
    )
    return [[encoder.get_layer("word_embedding")], *map(list, pairs)]


COVE = Family(
    "cove",
    reads="the word ids of an MT-LSTM",
    inputs=("word_ids",),
    layers=("word_embedding", "forward_0"),
    text_inputs=("WordInputs",),
    encoder=_encoder,
    stack=_stack,
    # The table has one more row, for "no token".
    sizes=lambda encoder: {
        "vocabulary_size": encoder.get_layer("word_embedding").input_dim - 1
    },
    recurrent=True,
    frozen=("word_embedding",),
)
