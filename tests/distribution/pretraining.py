"""Models to pretrain, with their batches: those of train_on_devices.py, and the
biLM of recipes/pretrain_elmo.py."""

import keras
import numpy as np
from train_on_devices import (
    STEPS,
    B,
    C,
    T,
    V,
    bert_batches,
    bert_model,
    compiled_elmo,
    elmo_batches,
    elmo_model,
    normalized,
)

from keras_ctx import models

# Number of distinct words in a batch.
W = 9


def stream_batches() -> tuple:
    g = np.random.default_rng(3)
    negatives = [g.permutation(V)[:4] for _ in range(2 * STEPS)]
    negatives = np.reshape(negatives, (STEPS, 1, 2, 4))
    x = {"negative_ids": np.tile(negatives, (1, B, 1, 1))}
    x["distinct_char_ids"] = g.integers(1, 262, (STEPS, W, C))
    for key in ("forward", "backward"):
        x[f"{key}_word_ids"] = g.integers(0, W, (STEPS, B, T))
        x[f"{key}_targets"] = g.integers(0, V, (STEPS, B, T))
    x = {key: value.astype("int32") for key, value in x.items()}
    zeros = np.zeros((STEPS, B, T), "float32")
    directions = ("forward", "backward")
    return (
        x,
        dict.fromkeys(directions, zeros),
        dict.fromkeys(directions, normalized(zeros + 1)),
    )


def stream_model(
    dropout: float = 0.0, jit_compile: bool = False
) -> keras.Model:
    encoder = models.elmo_encoder(
        [(1, 4), (2, 4)], 6, 4, char_dim=4, max_characters=C, dropout=dropout
    )
    language_model = models.elmo_language_model(encoder, V, dropout=dropout)
    model = models.elmo_stream_model(language_model, B, num_negatives=4)
    return compiled_elmo(model, jit_compile)


PRETRAINING = {
    "bert": (bert_model, bert_batches),
    "elmo": (elmo_model, elmo_batches),
    "stream": (stream_model, stream_batches),
}


def first(batches: tuple, steps: int) -> tuple:
    return keras.tree.map_structure(lambda x: x[:steps], batches)
