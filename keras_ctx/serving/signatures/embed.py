"""Embeds texts: every token in every layer, or the whole text."""

import keras

from keras_ctx.layers import ScalarMix
from keras_ctx.models import encoder_of
from keras_ctx.serving.output_kinds.kind import Exact
from keras_ctx.serving.signatures.model_outputs import (
    COUNT_KINDS,
    ModelOutputs,
    Tensors,
    counts,
)
from keras_ctx.text import TextInputs


class Embed:
    """Signature for the vectors of an encoder or embedder, by name.

    For an encoder, `sequence` `(B, T, D)`, `layers` `(B, L+1, T, D)` and, if it
    has a pooler, `pooled` `(B, D)`; for an embedder, `embedding` `(B, D)`. Also
    `tokens` `(B, T)`, the text of every position.
    """

    def __init__(self, model: ModelOutputs, text_inputs: TextInputs) -> None:
        self._model = model
        self._text_inputs = text_inputs
        self.kinds = {**model.kinds, "tokens": Exact(), **COUNT_KINDS}

    def __call__(self, text) -> Tensors:
        outputs = self._model(self._text_inputs(text))
        outputs["tokens"] = self._text_inputs.tokens(text)
        return outputs | counts(self._text_inputs, text)


def encoder_inside(model: keras.Model) -> keras.Model:
    """Returns the encoder of a task model.

    It also outputs `mix` `(B, T, D)`, the mixture of its layers, if the model's
    head reads one.

    Raises:
        ValueError: The encoder is not from `keras_ctx.models`.
    """
    encoder = encoder_of(model)
    mixes = [x for x in model.layers if isinstance(x, ScalarMix)]
    if not mixes:
        return encoder
    outputs = dict(encoder.output)
    outputs["mix"] = mixes[0](
        outputs["layers"], padding_mask=outputs["padding_mask"]
    )
    return keras.Model(encoder.input, outputs)
