"""Gives an AWD-LSTM another vocabulary."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_ctx import models

# fastai 2 repeats it until the number of tokens is a multiple of 8.
FILL = "xxfake"
# Layers whose weights have a row, or a column at the end, for each token.
_OF_TOKENS = ("embeddings", "output_bias", "output")


def remap_vocabulary(
    model: keras.Model, vocabulary: Sequence[str], new: Sequence[str]
) -> keras.Model:
    """Copies an AWD-LSTM, with another vocabulary.

    A token of both vocabularies keeps its row of the table and its bias; a
    new one gets the mean row and the mean bias, as in fastai. So a language
    model of one text begins to learn another.

    Args:
        model: A model of `models.awd_lstm_encoder` or
            `models.awd_lstm_language_model`.
        vocabulary: Its tokens, in the order of their ids.
        new: The tokens of the copy. "xxfake", with which fastai 2 fills its
            vocabularies, may be repeated in both.

    Returns:
        A `keras.Model` of the same kind, with its own weights, not compiled.

    Raises:
        ValueError: `model` is of another kind, `vocabulary` has another
            length than its table, a token is repeated, or the two have no
            token in common.

    Example:
        >>> model = models.awd_lstm_encoder(3, 2, 4, num_layers=1)
        >>> copy = remap_vocabulary(model, ["the", "a", "law"], ["a", "new"])
        >>> tables = [x.get_layer("embeddings").get_weights()[0]
        ...           for x in (model, copy)]
        >>> bool(np.all(tables[1][0] == tables[0][1]))
        True

    Source:
        Howard and Ruder 2018, section 3.2,
        https://arxiv.org/abs/1801.06146; `convert_weights` of fastai.
    """
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    if "embeddings" not in found or (
        models.family_of(model).name != "awd_lstm"
    ):
        raise ValueError(
            "`model` must be one of `models.awd_lstm_encoder` or "
            "`awd_lstm_language_model`. Take the encoder out of a classifier "
            f"with `models.encoder_of`. Received: {model.name!r}"
        )
    rows = found["embeddings"].vocabulary_size
    if len(vocabulary) != rows:
        raise ValueError(
            f"`vocabulary` must have the {rows:,} tokens of the model's "
            f"table. Received: {len(vocabulary):,}"
        )
    sources = _sources(vocabulary, new)

    def copied(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if layer.name == "embeddings":
            config["vocabulary_size"] = len(new)
        if layer.name == "output":
            config["units"] = len(new)
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=copied)
    for layer in model.layers:
        weights = layer.get_weights()
        if layer.name in _OF_TOKENS:
            axis = 0 if layer.name == "embeddings" else -1
            weights = [_remapped(x, axis, sources) for x in weights]
        copy.get_layer(layer.name).set_weights(weights)
    return copy


def _sources(vocabulary: Sequence[str], new: Sequence[str]) -> np.ndarray:
    """Returns the old id of each new token, -1 where there is none."""
    for name, tokens in (("vocabulary", vocabulary), ("new", new)):
        repeated = [x for x, n in Counter(tokens).items() if n > 1]
        repeated = [x for x in repeated if x != FILL]
        if repeated or not len(tokens):
            raise ValueError(
                f"`{name}` must have each token once, and one or more. "
                f"Received: {len(tokens):,} tokens, more than once "
                f"{repeated[:10]}"
            )
    ids = {token: k for k, token in enumerate(vocabulary)}
    sources = np.array([ids.get(token, -1) for token in new])
    if (sources < 0).all():
        raise ValueError(
            "`new` must have a token of `vocabulary`: with none in common the "
            "model would know nothing. Received: "
            f"{list(vocabulary[:5])} and {list(new[:5])}"
        )
    return sources


def _remapped(x: np.ndarray, axis: int, sources: np.ndarray) -> np.ndarray:
    """Takes rows or columns, with their mean as that of the id -1."""
    if x.dtype.kind in "iu":
        raise ValueError(
            "`model` must not be quantized: its integers have no mean. Remap "
            f"it before `quantize`. Received: a table of {x.dtype}"
        )
    mean = x.astype("float64").mean(axis, keepdims=True).astype(x.dtype)
    return np.take(np.concatenate([x, mean], axis), sources, axis)
