"""The entries of recurrent encoders: one for each kind of body, and context."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_ctx.models.family import CONTEXT_ENCODER, Family, family_of
from keras_ctx.models.recurrent.bodies import BODIES
from keras_ctx.models.recurrent.encoder import of_outputs


def _recurrent(model: keras.Model, name: str) -> list[Any]:
    """Returns the layers with this name and a number, lowest first."""
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    numbered = []
    while layer := found.get(f"{name}_{len(numbered)}"):
        numbered.append(layer)
    return numbered


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    tops = [model.get_layer("tokens"), *_recurrent(model, "rnn_output")]
    outputs = [layer.output for layer in tops]
    padding_mask = model.get_layer("is_word").output
    return of_outputs(
        *(dict(model.input), padding_mask, outputs),
        name or "recurrent_encoder",
    )


def _row(body: Family, has_context: bool) -> Family:
    def stack(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
        lowest = [layer for each in body.stack(encoder) for layer in each]
        return [lowest, *([layer] for layer in _recurrent(encoder, "rnn"))]

    def sizes(encoder: keras.Model) -> Mapping[str, Any]:
        found = dict(body.sizes(encoder))
        if has_context:
            context: Any = encoder.get_layer(CONTEXT_ENCODER)
            row = family_of(context)
            found["text_inputs"] = body.text_inputs
            found["context_text_inputs"] = row.text_inputs
            found["context_sizes"] = row.sizes(context)
        return found

    reads, more = body.reads, tuple[str, ...]()
    if has_context:
        more = (CONTEXT_ENCODER,)
        reads += ", with a frozen encoder beside it"
    return Family(
        f"recurrent_{body.name}" + "_with_context" * has_context,
        reads=reads,
        inputs=body.inputs,
        layers=(*body.layers, "is_word", "tokens", *more),
        text_inputs=("ContextInputs",) if has_context else body.text_inputs,
        encoder=_encoder,
        stack=stack,
        sizes=sizes,
        frozen=(*body.frozen, CONTEXT_ENCODER),
    )


RECURRENT_ROWS = tuple(
    _row(body, has_context)
    for body in BODIES.values()
    for has_context in (False, True)
)
