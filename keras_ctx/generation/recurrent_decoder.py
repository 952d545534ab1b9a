"""Runs a language model with LSTMs on new tokens alone."""

from typing import Any

import keras
from keras import ops

from keras_ctx.models.wiring import numbered_layers

MOST_TOKENS = 1024
"""The most tokens of a text: LSTMs set no limit, but a search needs one."""


class RecurrentDecoder:
    """The LSTMs of a language model, which keep nothing but their states.

    Texts begin with states of zeros, even if the model carries its states from
    batch to batch.

    Args:
        model: A model of `awd_lstm_language_model`, or of
            `causal_language_model` on an `awd_lstm_encoder`.
        jit_compile: Not used; all decoders take it.
    """

    encoder = None
    max_length = MOST_TOKENS

    def __init__(self, model: keras.Model, jit_compile: bool = False):
        del jit_compile
        found: dict[str, Any] = {layer.name: layer for layer in model.layers}
        self.embeddings = found["embeddings"]
        self.lstms = [
            lstm.returning_state(f"state_of_{lstm.name}")
            for lstm in numbered_layers(found, "lstm_")
        ]
        self.output = found.get("output")
        self.output_bias = found.get("output_bias")

    @staticmethod
    def fits(model: keras.Model) -> bool:
        """Returns whether a model has such a decoder."""
        names = {layer.name for layer in model.layers}
        return {"embeddings", "lstm_0"} <= names

    @property
    def vocabulary_size(self) -> int:
        """Number of rows of the table."""
        return self.embeddings.vocabulary_size

    def begin(self, token_ids, lengths, room, encoded) -> tuple:
        """Reads the beginnings; see `Decoder`."""
        del room, encoded
        batch, length = ops.shape(token_ids)
        real = ops.arange(length, dtype="int32") < lengths[:, None]
        states = [
            [ops.zeros((batch, x.hidden_dim), x.compute_dtype)] * 2
            for x in self.lstms
        ]
        vectors, states = self._read(token_ids, states, real)
        last = ops.maximum(lengths - 1, 0)[:, None, None]
        vectors = ops.take_along_axis(vectors, last, axis=1)[:, 0]
        return self._logits(vectors), states, {}

    def step(self, token_ids, state, fixed) -> tuple:
        """Reads one more token of each row; see `Decoder`."""
        del fixed
        vectors, state = self._read(token_ids[:, None], state)
        return self._logits(vectors[:, 0]), state

    def _read(self, token_ids, states, padding_mask=None) -> tuple:
        x, new = self.embeddings(token_ids), []
        for lstm, state in zip(self.lstms, states, strict=True):
            x, *after = lstm(x, padding_mask=padding_mask, initial_state=state)
            new.append(after)
        return x, new

    def _logits(self, vectors) -> Any:
        if self.output is not None:
            return self.output(vectors)
        logits = self.embeddings(vectors, reverse=True)
        if self.output_bias is None:
            return logits
        return self.output_bias(logits)
