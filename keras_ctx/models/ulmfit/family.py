"""AWD-LSTM's entry among the families of encoders."""

from typing import Any

import keras

from keras_ctx.models.family import Family
from keras_ctx.models.ulmfit.encoder import of_outputs


def lstms_of(model: keras.Model) -> list[Any]:
    """Returns the LSTMs, lowest first."""
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    lstms = []
    while lstm := found.get(f"lstm_{len(lstms)}"):
        lstms.append(lstm)
    return lstms


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    stack: list[Any] = [model.get_layer("embeddings"), *lstms_of(model)]
    return of_outputs(
        [layer.output for layer in stack],
        *(model.input[key] for key in AWD_LSTM.inputs),
        name=name or "awd_lstm_encoder",
    )


def _stack(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    return [
        [encoder.get_layer("embeddings")],
        *([x] for x in lstms_of(encoder)),
    ]


AWD_LSTM = Family(
    "awd_lstm",
    reads="the token ids of an AWD-LSTM",
    inputs=("token_ids", "padding_mask"),
    layers=("embeddings", "lstm_0"),
    text_inputs=("ULMFiTInputs",),
    encoder=_encoder,
    stack=_stack,
    sizes=lambda encoder: {
        "vocabulary_size": encoder.get_layer("embeddings").vocabulary_size
    },
    causal=True,
    recurrent=True,
)
