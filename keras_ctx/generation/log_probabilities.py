"""Log probabilities of the next token, from a model's logits."""

from collections.abc import Sequence

import keras
from keras import ops


def log_probabilities(logits):
    """Returns the logarithm of the softmax, in float32 or float64."""
    if keras.backend.standardize_dtype(logits.dtype) != "float64":
        logits = ops.cast(logits, "float32")
    return ops.log_softmax(logits, axis=-1)


def is_one_of(token_ids, some_ids: Sequence[int]):
    """Returns booleans: whether each token is one of a few."""
    found = ops.zeros_like(token_ids, dtype="bool")
    for token_id in some_ids:
        found = ops.logical_or(found, token_ids == token_id)
    return found


def without(logits, some_ids: Sequence[int], where):
    """Makes a few tokens impossible, in rows where `where` `(B,)` is true."""
    every = ops.arange(logits.shape[-1], dtype="int32")
    refused = ops.logical_and(where[:, None], is_one_of(every, some_ids))
    return ops.where(refused, ops.cast(-float("inf"), logits.dtype), logits)
