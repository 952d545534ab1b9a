"""Attention of a Transformer block, with a float32 softmax."""

import math

import keras
from keras import ops

from keras_ctx.layers.base.dropout import drawn_seed, drop
from keras_ctx.layers.base.keras_hooks import AttentionHook
from keras_ctx.layers.transformer.chunked_attention import (
    PLAIN_LENGTH,
    chunked_attention,
    masked_softmax,
)


class Attention(AttentionHook):
    """`keras.layers.MultiHeadAttention` with a float32 softmax.

    Keras rounds the softmax to the compute dtype when there is dropout, and
    projects the tokens of each sequence by a product of their own; here, all
    tokens of a batch are projected by one product.

    Call arguments:
        inputs: `(B, T, D)`.
        attention_mask: Booleans `(B or 1, 1 or T, K)`, true where the query
            (second axis) may attend to the key (third axis), or `None`.
        return_attention_scores: Whether to return the scores, too.
        max_length: The most tokens of usual rows, if known. A graph for any
            T holds all scores at the same time if it is at most 512.
        seed: The `DrawnSeed` of the dropout; `None`: it draws one.
        keys_and_values: The pair of the method of this name. `None`: those of
            `inputs`, K = T.

    Returns:
        `(B, T, D)`, and the scores `(B, H, T, K)` before dropout, or `None`.
    """

    def call(
        self,
        inputs,
        attention_mask=None,
        return_attention_scores=False,
        max_length=None,
        seed=None,
        keys_and_values=None,
        training=None,
    ):
        query = _project(self.query_dense, inputs)  # (B, T, H, D / H)
        query = query * ops.cast(query.shape[-1] ** -0.5, query.dtype)
        seed = seed or drawn_seed(self.dropout_layer, training)
        if keys_and_values is not None:
            key, value = keys_and_values
            axes = "bhkd"
        else:
            key, value = self._project_keys_and_values(inputs)
            axes = "bkhd"
            length = ops.shape(inputs)[1]
            if not return_attention_scores and not _keeps_scores(
                length, max_length
            ):
                x = chunked_attention(
                    *(query, key, value, attention_mask),
                    *(self.dropout_layer.rate, seed),
                )
                return _project(self.output_dense, x), None
        scores = ops.einsum(f"bqhd,{axes}->bhqk", query, key)
        scores = _shares(scores, attention_mask)
        weights = drop(self.dropout_layer, scores, training, seed)
        x = ops.einsum(f"bhqk,{axes}->bqhd", weights, value)
        x = _project(self.output_dense, x)
        return x, scores if return_attention_scores else None

    def keys_and_values(self, inputs):
        """Projects tokens that will be attended to more than once.

        Args:
            inputs: `(B, K, D)`.

        Returns:
            A pair of `(B, H, K, D / H)`.
        """
        return tuple(
            ops.transpose(x, (0, 2, 1, 3))
            for x in self._project_keys_and_values(inputs)
        )

    def _project_keys_and_values(self, inputs):
        return (
            _project(self.key_dense, inputs),
            _project(self.value_dense, inputs),
        )


def _keeps_scores(length, max_length: int | None) -> bool:
    """Returns whether the scores of all queries exist at the same time."""
    if keras.backend.backend() == "torch":
        return True  # chunks were not tested there
    if isinstance(length, int):
        return length <= PLAIN_LENGTH
    return max_length is not None and max_length <= PLAIN_LENGTH


def _shares(scores, mask):
    """Returns the shares of the keys: a softmax in float32, cast back."""
    if mask is not None:
        mask = ops.expand_dims(mask, 1)
    return ops.cast(masked_softmax(scores, mask), scores.dtype)


def _project(dense, x):
    """Applies an `EinsumDense` between D numbers a token and (H, D / H)."""
    if dense.quantization_mode is not None:
        return dense(x)
    kernel = dense.kernel  # (D, H, D / H) or (H, D / H, D)
    inner = len(x.shape) - 2
    shape = kernel.shape[inner:]
    dim = math.prod(shape)
    rows = ops.matmul(
        ops.reshape(x, (-1, math.prod(kernel.shape[:inner]))),
        ops.reshape(kernel, (-1, dim)),
    )
    if dense.bias is not None:
        rows = ops.add(rows, ops.reshape(dense.bias, (dim,)))
    return ops.reshape(rows, (*ops.shape(x)[:2], *shape))
