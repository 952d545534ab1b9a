"""Reads requests, and runs the Keras model eagerly on them."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from cpp_server import Arrays
from signature_requests import WORDS_OF

from keras_ctx.text import BertInputs, ContextInputs, GPTInputs

_KNOWN: dict[tuple, Arrays] = {}


def outputs_of(model: keras.Model, features: Any) -> Arrays:
    """Returns the model's outputs by name, layers as `(B, L+1, T, D)`."""
    arrays = {name: np.asarray(x) for name, x in features.items()}
    # Several signatures lead to the same ids, and eager runs are slow.
    key = (
        model,
        *((k, x.shape, x.tobytes()) for k, x in sorted(arrays.items())),
    )
    if key not in _KNOWN:
        found = dict(model(arrays, training=False))
        found.pop("padding_mask", None)
        if "layers" in found:
            found["layers"] = np.stack(found["layers"], axis=1)
        _KNOWN[key] = {name: np.asarray(x) for name, x in found.items()}
    return dict(_KNOWN[key])


def given(inputs: Arrays, name: str = "text") -> Any:
    """Returns texts `(B,)` of a request, or words, ragged `(B, None)`."""
    if name in inputs:
        return tf.constant(inputs[name], tf.string)
    lists = []
    for row in inputs[WORDS_OF[name]].tolist():
        while row and not row[-1]:
            row.pop()
        lists.append(row)
    return tf.ragged.constant(lists, ragged_rank=1, dtype=tf.string)


def texts_of(inputs: Arrays) -> list[Any]:
    """Returns the texts or words of a request; two for a pair."""
    pair = {"second_text", "second_tokens"} & inputs.keys()
    return [given(inputs, x) for x in ("text", "second_text")[: 1 + len(pair)]]


def counted(text_inputs: Any, *texts: Any) -> Arrays:
    """Returns the numbers of positions of rows without a limit."""
    if isinstance(text_inputs, ContextInputs):
        found = counted(text_inputs.word_inputs, *texts)
        second = text_inputs.context_inputs
        if second.max_length is not None:
            rows = text_inputs.word_inputs.uncut().rows(*texts)
            rows = rows[:, : text_inputs.max_length]
            found["truncated"] |= counted(second, rows)["truncated"]
        return found
    features = _unlimited(text_inputs)(*texts)
    if "char_ids" in features:
        there = features["char_ids"][:, :, 0] != 0
    elif "word_ids" in features:
        there = features["word_ids"] != 0
    else:
        there = features["padding_mask"]
    count = np.asarray(there).sum(axis=1).astype(np.int32)
    most = text_inputs.max_length or np.inf
    return {"num_tokens": count, "truncated": count > most}


@functools.cache
def _unlimited(text_inputs: Any) -> Any:
    needs = isinstance(text_inputs, BertInputs | GPTInputs)
    longest = 10**6 if needs else None
    config = {**text_inputs.get_config(), "max_length": longest}
    return type(text_inputs).from_config(config)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities along the last axis."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)
