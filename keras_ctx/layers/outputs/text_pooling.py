"""Pools the tokens of each text of a packed row."""

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_axes,
    check_choice,
    check_rank,
)
from keras_ctx.layers.base.embedding_lookup import known_ids
from keras_ctx.layers.base.ids import as_ids
from keras_ctx.layers.transformer.packed_texts import check_text_ids


@keras.saving.register_keras_serializable(package="keras_ctx")
class TextPooling(keras.layers.Layer):
    """Pools the tokens of each text of a packed row into one vector.

    It is for rows of several texts what `Pooling` is for rows of one. Sums are
    computed in float32.

    Args:
        max_texts: Maximum number N of texts in a row.
        mode: "mean", or "cls": the first token of the text.

    Call arguments:
        inputs: `(B, T, D)`.
        text_ids: Integers `(B, T)`, the number of each token's text in its
            row, from 1 to N; 0 = padding. See `PackedTexts`.

    Returns:
        `(B, N, D)`: text n of the row at index n - 1; zeros for a number
        without tokens, and in a graph NaN for a row with ids out of range.

    Raises:
        ValueError: `max_texts` is not positive, `mode` is unknown, an
            argument has another rank, or the two differ in B or T; or, run
            eagerly, an id is out of range.

    Masking:
        No mask is passed on: the output has no tokens. NaN and infinity at
        padding reach nothing, those of a text the means of its row.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0], [3.0], [5.0], [9.0]]])
        >>> np.asarray(TextPooling(3)(x, np.array([[1, 1, 2, 0]])))
        array([[[2.],
                [5.],
                [0.]]], dtype=float32)
    """

    def __init__(self, max_texts: int, mode: str = "mean", **kwargs):
        super().__init__(**kwargs)
        check_at_least(1, max_texts=max_texts)
        check_choice(("mean", "cls"), mode=mode)
        self.max_texts = max_texts
        self.mode = mode

    def compute_mask(self, inputs, previous_mask):
        return None

    def call(self, inputs, text_ids):
        self._check(inputs, text_ids)
        text_ids = as_ids(text_ids)
        check_text_ids(self.max_texts, text_ids)
        dtype = self.compute_dtype
        x = ops.cast(inputs, "float64" if dtype == "float64" else "float32")
        # `where`, not a product: the values at padding may be NaN.
        x = ops.where(ops.expand_dims(text_ids != 0, -1), x, 0)
        numbers = ops.arange(1, self.max_texts + 1, dtype=text_ids.dtype)
        is_of_text = ops.equal(  # (B, N, T)
            ops.expand_dims(text_ids, 1), ops.reshape(numbers, (1, -1, 1))
        )
        pooled = _first if self.mode == "cls" else _mean
        known = known_ids(text_ids, self.max_texts + 1)
        known = ops.all(known, axis=1, keepdims=True)  # (B, 1)
        found = ops.where(
            ops.expand_dims(known, -1), pooled(x, is_of_text), float("nan")
        )
        return ops.cast(found, dtype)

    def _check(self, inputs, text_ids):
        check_rank(3, inputs=inputs)
        check_rank(2, text_ids=text_ids)
        check_axes("BT", inputs=inputs, text_ids=text_ids)

    def compute_output_shape(self, inputs_shape, text_ids_shape):
        self._check(inputs_shape, text_ids_shape)
        return (inputs_shape[0], self.max_texts, inputs_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "max_texts": self.max_texts,
            "mode": self.mode,
        }


def _mean(x, is_of_text):
    """Returns means `(B, N, D)` of x `(B, T, D)`; zeros without tokens."""
    total = ops.matmul(ops.cast(is_of_text, x.dtype), x)
    count = ops.sum(ops.cast(is_of_text, "int32"), axis=2, keepdims=True)
    return total / ops.cast(ops.maximum(count, 1), x.dtype)


def _first(x, is_of_text):
    """Returns first tokens `(B, N, D)` of x `(B, T, D)`; zeros without any."""
    length = ops.shape(x)[1]
    # One token of zeros behind the row, which a text without tokens gets.
    x = ops.pad(x, [[0, 0], [0, 1], [0, 0]])
    places = ops.where(is_of_text, ops.arange(length), length)
    # `initial` allows batches without rows, and rows without tokens.
    first = ops.min(places, axis=2, initial=length)  # (B, N)
    return ops.take_along_axis(x, ops.expand_dims(first, -1), axis=1)
