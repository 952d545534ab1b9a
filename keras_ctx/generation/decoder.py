"""Runs a causal model on the new tokens of texts alone, over a cache."""

from typing import Any

import keras
from keras import ops


class Decoder:
    """The decoder's layers of a model, called with a cache.

    Args:
        model: A model of `causal_language_model` or `encoder_decoder`.

    Raises:
        ValueError: The model is of another kind.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import causal_language_model, gpt_encoder
        >>> model = causal_language_model(gpt_encoder(9, 1, 2, 8, 16))
        >>> decoder = Decoder(model)
        >>> cache = decoder.start_cache(batch_size=1, length=4)
        >>> vectors, cache = decoder.read(
        ...     np.array([[1, 2]]), np.array([0], "int32"), cache)
        >>> tuple(decoder.logits(vectors).shape)
        (1, 2, 9)
    """

    def __init__(self, model: keras.Model):
        found: dict[str, Any] = {layer.name: layer for layer in model.layers}
        self.blocks = []
        while block := found.get(f"decoder_block_{len(self.blocks)}"):
            self.blocks.append(block)
        if not self.blocks or "next_token" not in model.output:
            raise ValueError(
                "`model` must be one of `causal_language_model` or "
                "`encoder_decoder`, with the blocks of a Transformer. An "
                "encoder that sees the whole text, such as a BERT, cannot "
                "continue it, and a recurrent model has no cache. Received: "
                f"{model.name!r} with the layers {sorted(found)[:10]}"
            )
        self.embeddings = found.get("decoder_embeddings", found["embeddings"])
        norm = "decoder_final_norm" if self.has_encoder else "final_norm"
        self.final_norm = found.get(norm)
        self.output_bias = found.get("output_bias")

    @property
    def has_encoder(self) -> bool:
        """Whether the decoder attends to an encoder's tokens."""
        return self.blocks[0].cross_attention

    @property
    def max_length(self) -> int:
        """Number of positions: the most tokens of a text."""
        return self.embeddings.max_length

    def start_cache(self, batch_size: Any, length: Any) -> list:
        """Returns a cache for `length` tokens a row, of which none was read."""
        return [x.start_cache(batch_size, length) for x in self.blocks]

    def read(
        self,
        token_ids: Any,
        positions: Any,
        cache: list,
        encoder_sequence: Any = None,
        encoder_padding_mask: Any = None,
    ) -> tuple:
        """Reads tokens behind those that the cache holds.

        Args:
            token_ids: Integers `(B, T)`.
            positions: Integers `(B,)`: the place of the first of them.
            cache: From `start_cache` or the call before.
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
