"""Tiny language models with random weights, and their probabilities."""

from typing import Any

import keras
import numpy as np

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
    random = np.random.default_rng(4)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(0.7 * random.normal(size=weight.shape))
    return model


def probabilities(model: Any, source: dict | None, ids: list[int]) -> Any:
    """Returns log probabilities `(T, V)` after each token, in float64.

    The whole text is read at once, without a cache.
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
    logits = np.asarray(model(features)["next_token"])[0].astype("float64")
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def features(rows: list[list[int]]) -> dict[str, np.ndarray]:
    """Pads rows behind their tokens, with a token that would change much."""
    width = max(map(len, rows))
    return {
        "token_ids": np.array([x + [3] * (width - len(x)) for x in rows]),
        "padding_mask": np.array(
            [[i < len(x) for i in range(width)] for x in rows]
        ),
    }
