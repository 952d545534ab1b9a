"""Tiny language models with random weights, and their probabilities."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import models

V = 11


def language_model(norm_first: bool = True, max_length: int = 24) -> Any:
    keras.utils.set_random_seed(7)
    encoder = models.gpt_encoder(
        *(V, 2, 2, 8, 16),
        max_length=max_length,
        norm_first=norm_first,
        initializer_range=0.9,
    )
    return models.causal_language_model(encoder)


def translator(output_bias: bool = True) -> Any:
    keras.utils.set_random_seed(8)
    encoder = models.transformer_encoder(V, 2, 2, 8, 16, max_length=24)
    model = models.encoder_decoder(encoder, output_bias=output_bias)
    return _spread(model, 0.7)


def lstm_translator(size: int = V, max_length: int = 24) -> Any:
    keras.utils.set_random_seed(8)
    encoder = models.mt_lstm_encoder(size, 5, 3, subwords=True)
    model = models.attentional_lstm_translator(
        encoder, size, max_length=max_length
    )
    return _spread(model, 1.0)


def lstm_language_model(tied: bool = True) -> Any:
    keras.utils.set_random_seed(9)
    encoder = models.awd_lstm_encoder(V, 6, 5, num_layers=2, tied=tied)
    return _spread(models.awd_lstm_language_model(encoder, tied=tied), 1.5)


def _spread(model: Any, scale: float) -> Any:
    """Gives weights with which tokens are of unequal probability."""
    random = np.random.default_rng(4)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(scale * random.normal(size=weight.shape))
    return model


def probabilities(model: Any, source: dict | None, ids: list[int]) -> Any:
    """Returns log probabilities `(T, V)` after each token, in float64.

    The whole text is read at once, without a cache, by a graph that is traced
    once: op by op, LSTMs would take seconds.
    """
    row = np.array([ids], "int32")
    mask = np.ones(row.shape, "bool")
    if source is None:
        features = {"token_ids": row, "padding_mask": mask}
    else:
        features = {
            **source,
            "decoder_token_ids": row,
            "decoder_padding_mask": mask,
        }
    features = {
        key: np.asarray(x, model.input[key].dtype)
        for key, x in features.items()
    }
    logits = np.asarray(_traced(model)(features))[0].astype("float64")
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


@functools.cache
def _traced(model: Any) -> Any:
    specs = {
        key: tf.TensorSpec(x.shape, x.dtype) for key, x in model.input.items()
    }
    return tf.function(
        lambda x: model(x)["next_token"], input_signature=[specs]
    )


def features(rows: list[list[int]]) -> dict[str, np.ndarray]:
    """Pads rows behind their tokens, with a token that would change much."""
    width = max(map(len, rows))
    return {
        "token_ids": np.array([x + [3] * (width - len(x)) for x in rows]),
        "padding_mask": np.array(
            [[i < len(x) for i in range(width)] for x in rows]
        ),
    }
