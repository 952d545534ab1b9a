"""Runs the decoder of a Transformer on new tokens alone, over a cache."""

import functools
from typing import Any

import keras
from keras import ops

from keras_ctx.generation.rows_in_place import row_writer
from keras_ctx.layers import TokenAndPositionEmbedding
from keras_ctx.layers.transformer.key_cache import rows_written_by
from keras_ctx.models.encoder_of import encoder_of
from keras_ctx.models.wiring import decoder_table, numbered_layers


class TransformerDecoder:
    """The decoder's blocks of a Transformer, called with a cache of keys.

    Args:
        model: A model of `causal_language_model` on a GPT, or of
            `encoder_decoder`.
        jit_compile: Whether XLA compiles the search.
    """

    def __init__(self, model: keras.Model, jit_compile: bool = False):
        found: dict[str, Any] = {layer.name: layer for layer in model.layers}
        self._model = model
        self.blocks = numbered_layers(found, "decoder_block_")
        self.embeddings = decoder_table(found)
        norm = "decoder_final_norm" if self._has_encoder else "final_norm"
        self.final_norm = found.get(norm)
        self.output_bias = found.get("output_bias")
        self._write_rows = row_writer(jit_compile)

    @staticmethod
    def fits(model: keras.Model) -> bool:
        """Returns whether a model has such a decoder."""
        found: dict[str, Any] = {layer.name: layer for layer in model.layers}
        # A causal BERT has another table, and a head before it.
        return "decoder_block_0" in found and isinstance(
            decoder_table(found), TokenAndPositionEmbedding
        )

    @property
    def _has_encoder(self) -> bool:
        return self.blocks[0].cross_attention

    @functools.cached_property
    def encoder(self) -> keras.Model | None:
        """The encoder that the blocks attend to, if any."""
        return encoder_of(self._model) if self._has_encoder else None

    @property
    def max_length(self) -> int:
        """Number of positions: the most tokens of a text."""
        return self.embeddings.max_length

    @property
    def vocabulary_size(self) -> int:
        """Number of rows of the table."""
        return self.embeddings.vocabulary_size

    def begin(self, token_ids, lengths, room, encoded) -> tuple:
        """Reads the beginnings; see `Decoder`."""
        batch = ops.shape(token_ids)[0]
        cache = [x.start_cache(batch, room) for x in self.blocks]
        mask, of_encoder = None, {}
        if encoded:
            mask = ops.cast(encoded["padding_mask"], "bool")
            of_encoder = {"encoder_sequence": encoded["sequence"]}
        none = ops.zeros((batch,), dtype="int32")
        vectors, cache = self.read(
            *(token_ids, none, cache),
            encoder_padding_mask=mask,
            **of_encoder,
        )
        last = ops.maximum(lengths - 1, 0)[:, None, None]
        vectors = ops.take_along_axis(vectors, last, axis=1)[:, 0]
        state = {"cache": [keys[:2] for keys in cache], "positions": lengths}
        fixed = {"encoder_keys": [keys[2:] for keys in cache]}
        if mask is not None:
            fixed["encoder_padding_mask"] = mask
        return self.logits(vectors), state, fixed

    def step(self, token_ids, state, fixed) -> tuple:
        """Reads one more token of each row; see `Decoder`."""
        positions = state["positions"]
        cache = [
            [*keys, *others]
            for keys, others in zip(
                state["cache"], fixed["encoder_keys"], strict=True
            )
        ]
        # No other step reads the cache that this one is given.
        with rows_written_by(self._write_rows):
            vectors, cache = self.read(
                *(token_ids[:, None], positions, cache),
                encoder_padding_mask=fixed.get("encoder_padding_mask"),
            )
        cache = [keys[:2] for keys in cache]
        state = {"cache": cache, "positions": positions + 1}
        return self.logits(vectors[:, 0]), state

    def read(
        self,
        token_ids: Any,
        positions: Any,
        cache: list,
        encoder_sequence: Any = None,
        encoder_padding_mask: Any = None,
    ) -> tuple:
        """Reads tokens that follow those in the cache.

        Args:
            token_ids: Integers `(B, T)`.
            positions: Integers `(B,)`, the position of each row's first token.
            cache: From `start_cache` of the blocks, or the call before.
            encoder_sequence: `(B, K, D)`, in the first call only.
            encoder_padding_mask: Booleans `(B, K)`.

        Returns:
            The last layer's vectors `(B, T, D)`, and the new cache.
        """
        count = ops.shape(token_ids)[1]
        places = positions[:, None] + ops.arange(count, dtype="int32")
        # Padding may stand beyond the last position.
        places = ops.minimum(places, self.max_length - 1)
        x = self.embeddings(token_ids, position_ids=places)
        new = []
        for block, keys in zip(self.blocks, cache, strict=True):
            x, keys = block(
                x,
                encoder_sequence=encoder_sequence,
                encoder_padding_mask=encoder_padding_mask,
                cache=keys,
                positions=positions,
            )
            new.append(keys)
        return x if self.final_norm is None else self.final_norm(x), new

    def logits(self, vectors: Any) -> Any:
        """Returns the logits `(..., V)` of the tokens after vectors."""
        logits = self.embeddings(vectors, reverse=True)
        if self.output_bias is not None:
            return self.output_bias(logits)
        # Zeros that TensorFlow cannot leave out: it computes a product with a
        # bias by another kernel, the only one that keeps its weights packed.
        none = ops.cast(ops.minimum(ops.size(vectors), 0), logits.dtype)
        return logits + ops.broadcast_to(none, logits.shape[-1:])
