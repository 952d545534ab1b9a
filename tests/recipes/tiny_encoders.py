"""Untrained encoders of every kind, in the files of pretraining."""

from pathlib import Path

import keras
import numpy as np
from contracts.random_weights import randomized

from keras_ctx import models, text, training

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["<S>", "</S>", "<UNK>", "the", "river", "bank", "is", "on"]


def elmo() -> keras.Model:
    # Small weights: over 5,000 words, large ones would amplify errors.
    encoder = models.elmo_encoder([(1, 4), (2, 5)], 6, 4, max_characters=8)
    for weight in encoder.weights:
        weight.assign(0.3 * np.random.default_rng(5).normal(size=weight.shape))
    return encoder


ENCODERS = {
    "elmo": (elmo, lambda: text.ElmoInputs(8, max_length=20, distinct=True)),
    "words": (
        lambda: randomized(models.elmo_word_encoder(len(WORDS), 6, 4)),
        lambda: text.WordInputs(WORDS, max_length=20),
    ),
    "bert": (
        lambda: randomized(models.bert_encoder(20, 2, 2, 8, 12, max_length=16)),
        lambda: text.BertInputs(
            [*SPECIAL, *"therivbank", "##s"],
            16,
            split="character",
            padding="max_length",
        ),
    ),
}


def save_encoders(parent: Path) -> dict[str, Path]:
    """Writes a folder for each kind: "elmo", "words", "bert"."""
    folders = {}
    for name, (encoder, inputs) in ENCODERS.items():
        folder = folders[name] = parent / name
        training.save_model(encoder(), folder / "encoder.keras")
        text.save_inputs(inputs(), folder / "text_inputs.json")
    return folders
