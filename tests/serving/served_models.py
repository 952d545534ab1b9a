"""The models that the tests serve: a case for each, small and quick to make.

A new model is a line in `CASES`. A new signature needs none: its requests are
made in `signature_requests.py`, from the names of its inputs, and what Keras
answers to them in `keras_answers.py`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized
from real_sentences import real_sentences

from keras_ctx import models
from keras_ctx.text import BertInputs, ElmoInputs, WordInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MARKERS = ["<S>", "</S>", "<UNK>"]
SENTIMENTS = ["bad", "so so", "很好"]
TAGS = ["O", "B-PER", "I-PER", "B-地", "I-地"]


class Case(NamedTuple):
    """A model and what `export` takes beside it."""

    model: keras.Model
    text_inputs: BertInputs | ElmoInputs | WordInputs
    labels: Sequence[str] | None = None


def bert(split: str, head: Callable, labels: Sequence[str] | None = None):
    """A case with a BERT encoder under `head`."""

    def case() -> Case:
        # Half of the characters, so that some are unknown.
        text = "".join("".join(real_sentences()).lower().split())
        letters = sorted(set(text))[::2]
        pieces = [f"##{x}" for x in "aeioustrn的"]
        words = ["the", "of", "number", "python", "except"]
        vocabulary = [*SPECIAL, *letters, *pieces, *words]
        inputs = BertInputs(vocabulary, max_length=48, split=split)
        encoder = models.bert_encoder(inputs.vocabulary_size, 2, 2, 8, 16, 48)
        return Case(randomized(head(encoder)), inputs, labels)

    return case


def elmo(head: Callable, labels: Sequence[str] | None = None):
    """A case with an ELMo encoder, which reads characters, under `head`."""

    def case() -> Case:
        encoder = models.elmo_encoder([(1, 4), (2, 5)], 6, 4, max_characters=8)
        # Small weights: over a long sentence large ones would blow errors up.
        generator = np.random.default_rng(5)
        for weight in encoder.weights:
            weight.assign(0.3 * generator.normal(size=weight.shape))
        return Case(head(encoder), ElmoInputs(8, max_length=24), labels)

    return case


def elmo_words() -> Case:
    """An ELMo encoder that knows words by a table."""
    words = {word for text in real_sentences() for word in text.split()}
    inputs = WordInputs([*MARKERS, *sorted(words)[::2]], max_length=24)
    encoder = models.elmo_word_encoder(inputs.vocabulary_size, 6, 4)
    return Case(randomized(encoder), inputs)


CASES: dict[str, Callable[[], Case]] = {
    "bert_encoder": bert("wordpiece", lambda encoder: encoder),
    "bert_classifier": bert(
        "wordpiece", lambda encoder: models.classifier(encoder, 3), SENTIMENTS
    ),
    "bert_regressor": bert(
        "character", lambda encoder: models.classifier(encoder, 1, "scalar_mix")
    ),
    "bert_tagger": bert(
        "wordpiece", lambda encoder: models.tagger(encoder, 5), TAGS
    ),
    "bert_crf_tagger": bert(
        "character", lambda encoder: models.tagger(encoder, 5, crf=True), TAGS
    ),
    "bert_lstm_tagger": bert(
        "character", lambda encoder: models.tagger(encoder, 5, lstm_dim=4), TAGS
    ),
    "bert_span_extractor": bert("wordpiece", models.span_extractor),
    "bert_embedder": bert("character", models.embedder),
    "elmo_encoder": elmo(lambda encoder: encoder),
    "elmo_classifier": elmo(
        lambda encoder: models.classifier(encoder, 3, "scalar_mix"), SENTIMENTS
    ),
}

# One of each kind for `make test`; the others, together a minute, are slow.
_QUICK = {
    "bert_encoder",
    "bert_classifier",
    "bert_crf_tagger",
    "bert_embedder",
    "elmo_encoder",
}
NAMES = [
    pytest.param(name, marks=() if name in _QUICK else pytest.mark.slow)
    for name in CASES
]
