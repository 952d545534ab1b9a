"""Tiny text models of every task, with random weights."""

import functools
import math

import keras
import numpy as np

import keras_ctx
from keras_ctx import models, text

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
INPUTS = text.BertInputs([*SPECIAL, *"abcdefghij", *"?."], 24)
TEXTS = [
    "a b c",
    "",
    "j i h g f e d c b a a b c d e f g h i j a b c d e f g",
    "d",
    "e f. a?",
]
PAIRS = list(zip(TEXTS, TEXTS[::-1], strict=True))
LONG = "a b c d e f g h i j " * 4
QUESTIONS = [("a b?", LONG), ("c?", "d e f g"), ("", "b c"), ("a", " ")]
TAGS = ("B-X", "I-X", "B-Y", "I-Y", "O")


def randomized(model: keras.Model, scale: float = 0.4) -> keras.Model:
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(scale * rng.normal(size=weight.shape))
    return model


def encoder(num_layers: int = 2, **arguments) -> keras.Model:
    size, longest = INPUTS.vocabulary_size, INPUTS.max_length
    return models.bert_encoder(size, num_layers, 2, 8, 16, longest, **arguments)


@functools.cache
def text_model(task: str) -> keras_ctx.TextModel:
    """Returns a model for a task, or "pair", "crf" or "plain"."""
    made = {
        "classification": lambda: models.classifier(encoder(), 3),
        "pair": lambda: models.classifier(encoder(), 3),
        "multi_label": lambda: models.classifier(encoder(), 3),
        "regression": lambda: models.classifier(encoder(), 1),
        "tagging": lambda: models.tagger(encoder(), len(TAGS)),
        "crf": lambda: models.tagger(encoder(), len(TAGS), crf=True),
        "plain": lambda: models.tagger(encoder(), 3),
        "question_answering": lambda: models.span_extractor(encoder()),
        "embedding": lambda: models.embedder(encoder()),
        "encoder": encoder,
        "fill_mask": lambda: models.bert_pretrainer(encoder()),
    }
    labels = {
        **dict.fromkeys(
            ("classification", "pair", "multi_label"), ("bad", "good", "so-so")
        ),
        **dict.fromkeys(("tagging", "crf"), TAGS),
        "plain": ("NOUN", "VERB", "X"),
    }
    settings = {
        "pair": {"pair": True},
        "question_answering": {
            "stride": 4,
            "max_question": 6,
            "max_answer": 5,
        },
    }
    return keras_ctx.TextModel(
        randomized(made[task]()),
        INPUTS,
        labels.get(task, ()),
        "multi_label" if task == "multi_label" else None,
        settings.get(task, {}),
    )


ALL = (
    "classification",
    "pair",
    "multi_label",
    "regression",
    "tagging",
    "crf",
    "plain",
    "question_answering",
    "embedding",
    "encoder",
    "fill_mask",
)


def texts_for(task: str) -> list:
    if task == "question_answering":
        return QUESTIONS
    if task == "fill_mask":
        return ["a [MASK] c [MASK]", "b", "[MASK]"]
    return PAIRS if task == "pair" else TEXTS


def same(found, expected, places: float = 1e-5) -> bool:
    """Returns whether two results are equal, numbers up to rounding."""
    if isinstance(found, float | np.floating):
        return found == expected or math.isclose(
            found, expected, rel_tol=places, abs_tol=places
        )
    if isinstance(found, np.ndarray):
        return found.shape == expected.shape and bool(
            np.allclose(found, expected, rtol=places, atol=places)
        )
    if isinstance(found, dict):
        return sorted(found) == sorted(expected) and all(
            same(found[key], expected[key]) for key in found
        )
    if isinstance(found, list | tuple):
        return type(found) is type(expected) and (
            len(found) == len(expected) and all(map(same, found, expected))
        )
    return found == expected
