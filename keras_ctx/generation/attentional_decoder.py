"""Runs the decoder of a translator with LSTMs on new tokens alone."""

import functools
from typing import Any

import keras
from keras import ops

from keras_ctx.layers import AttentionalLSTMDecoder
from keras_ctx.models.encoder_of import encoder_of
from keras_ctx.models.wiring import final_states


class AttentionalDecoder:
    """The decoder of a model of `attentional_lstm_translator`.

    Args:
        model: The model.
        jit_compile: Not used; all decoders take it.
    """

    def __init__(self, model: keras.Model, jit_compile: bool = False):
        del jit_compile
        found: dict[str, Any] = {layer.name: layer for layer in model.layers}
        self._model, self._found = model, found
        self.embeddings = found["decoder_embeddings"]
        self.decoder = found["decoder"]
        self.output = found["output"]

    @staticmethod
    def fits(model: keras.Model) -> bool:
        """Returns whether a model has such a decoder."""
        return any(isinstance(x, AttentionalLSTMDecoder) for x in model.layers)

    @functools.cached_property
    def encoder(self) -> keras.Model:
        """The encoder, which also returns the last states of its LSTMs."""
        encoder = encoder_of(self._model)
        states = final_states(self._found)
        return keras.Model(
            encoder.input,
            {
                "sequence": encoder.output["sequence"],
                "padding_mask": encoder.output["padding_mask"],
                "states": states,
            },
        )

    @property
    def max_length(self) -> int:
        """The most tokens of a text."""
        return self.decoder.max_length

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens of the output."""
        return self.output.units

    def begin(self, token_ids, lengths, room, encoded) -> tuple:
        """Reads the beginnings; see `Decoder`."""
        del room
        length = ops.shape(token_ids)[1]
        mask = ops.cast(encoded["padding_mask"], "bool")
        vectors, cache = self.decoder(
            self.embeddings(token_ids),
            encoder_sequence=encoded["sequence"],
            initial_state=encoded["states"],
            padding_mask=ops.arange(length, dtype="int32") < lengths[:, None],
            encoder_padding_mask=mask,
            return_cache=True,
        )
        last = ops.maximum(lengths - 1, 0)[:, None, None]
        vectors = ops.take_along_axis(vectors, last, axis=1)[:, 0]
        fixed = {"attended": cache[-2:], "encoder_padding_mask": mask}
        return self.output(vectors), cache[:-2], fixed

    def step(self, token_ids, state, fixed) -> tuple:
        """Reads one more token of each row; see `Decoder`."""
        vectors, cache = self.decoder(
            self.embeddings(token_ids[:, None]),
            cache=[*state, *fixed["attended"]],
            encoder_padding_mask=fixed["encoder_padding_mask"],
        )
        return self.output(vectors[:, 0]), cache[:-2]
