"""The models that the tests serve: small cases that are quick to create.

A new model needs an entry in `CASES`. A new signature does not: its requests
are created in `signature_requests.py`, from the names of its inputs, and the
answers of Keras in `keras_answers.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized
from real_sentences import real_sentences

from keras_ctx import models
from keras_ctx.serving import (
    AnswerWindows,
    GenerateSettings,
    TextWindows,
    TranslateSettings,
)
from keras_ctx.text import (
    BertInputs,
    ContextInputs,
    ElmoInputs,
    GPTInputs,
    SentencePieceInputs,
    TextInputs,
    ULMFiTInputs,
    WordInputs,
    WordVectorInputs,
    byte_pair_vocabulary,
    sentence_piece_model,
    ulmfit_vocabulary,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MARKERS = ["<S>", "</S>", "<UNK>"]
SENTIMENTS = ["bad", "so so", "很好"]
TAGS = ["O", "B-PER", "I-PER", "B-地", "I-地"]
# A sentence has several windows, the longest 42.
WINDOWS = AnswerWindows(stride=20, max_question=8, max_answer=5, max_windows=50)
# For texts: neighbouring windows share words, and long texts are cut.
TEXT_WINDOWS = TextWindows(overlap=5, max_windows=4)


class Case(NamedTuple):
    """A model with its task and further arguments of `export`."""

    model: keras.Model
    text_inputs: TextInputs
    task: str
    labels: Sequence[str] | None
    arguments: dict[str, Any]


def bert(
    task: str,
    split: str,
    head: Callable,
    labels: Sequence[str] | None = None,
    num_layers: int = 2,
    max_length: int = 48,
    **arguments: Any,
) -> Callable[[], Case]:
    """Returns a case with a BERT encoder under `head`."""

    def case() -> Case:
        # Only half of the characters, so that some are unknown.
        text = "".join("".join(real_sentences()).lower().split())
        letters = sorted(set(text))[::2]
        pieces = [f"##{x}" for x in "aeioustrn的"]
        words = ["the", "of", "number", "python", "except"]
        vocabulary = [*SPECIAL, *letters, *pieces, *words]
        inputs = BertInputs(vocabulary, max_length=max_length, split=split)
        encoder = models.bert_encoder(
            inputs.vocabulary_size, num_layers, 2, 8, 16, max_length
        )
        return Case(randomized(head(encoder)), inputs, task, labels, arguments)

    return case


def elmo(
    task: str,
    head: Callable,
    labels: Sequence[str] | None = None,
    distinct: bool = False,
    **arguments: Any,
) -> Callable[[], Case]:
    """Returns a case with a character-level ELMo under `head`."""

    def case() -> Case:
        encoder = models.elmo_encoder([(1, 4), (2, 5)], 6, 4, max_characters=8)
        # Small weights: over long sentences, large ones would amplify errors.
        generator = np.random.default_rng(5)
        for weight in encoder.weights:
            weight.assign(0.3 * generator.normal(size=weight.shape))
        if distinct:
            encoder = models.distinct_words(encoder)
        inputs = ElmoInputs(8, max_length=24, distinct=distinct)
        return Case(head(encoder), inputs, task, labels, arguments)

    return case


def elmo_words() -> Case:
    """Returns a case with an ELMo encoder with a word table."""
    words = {word for text in real_sentences() for word in text.split()}
    inputs = WordInputs([*MARKERS, *sorted(words)[::2]], max_length=24)
    encoder = models.elmo_word_encoder(inputs.vocabulary_size, 6, 4)
    return Case(randomized(encoder), inputs, "embed", None, {})


def word_vectors(
    task: str,
    head: Callable,
    labels: Sequence[str] | None = None,
    **settings: Any,
) -> Callable[[], Case]:
    """Returns a case with word vectors under `head`."""

    def case() -> Case:
        words = {word for text in real_sentences() for word in text.split()}
        inputs = WordVectorInputs(
            sorted(words)[::2], **settings, max_characters=8, max_length=24
        )
        encoder = models.word_vector_encoder(
            inputs.vocabulary_size,
            6,
            inputs.num_unknown,
            inputs.num_buckets,
            [(1, 4), (2, 5)] if inputs.strategy == "characters" else (),
            4,
            max_characters=8,
        )
        return Case(randomized(head(encoder)), inputs, task, labels, {})

    return case


def gpt(
    task: str, head: Callable, labels: Any = None, **arguments: Any
) -> Callable[[], Case]:
    """Returns a case with a GPT under `head`."""

    def case() -> Case:
        vocabulary = byte_pair_vocabulary(real_sentences(), 320)
        inputs = GPTInputs(*vocabulary, max_length=400)
        encoder = models.gpt_encoder(
            inputs.vocabulary_size, 2, 2, 8, 16, max_length=400
        )
        return Case(randomized(head(encoder)), inputs, task, labels, arguments)

    return case


def translator() -> Case:
    """Returns a case with an encoder-decoder."""
    model = sentence_piece_model(real_sentences(), 1500)
    inputs = SentencePieceInputs(model, max_length=48)
    encoder = models.transformer_encoder(
        inputs.vocabulary_size, 2, 2, 8, 16, max_length=48
    )
    settings = TranslateSettings(width=3, max_length=10, num_returned=2)
    return Case(
        randomized(models.encoder_decoder(encoder)),
        inputs,
        "translate",
        None,
        {"writing": settings},
    )


def recurrent(
    task: str,
    context: Callable[[], Case],
    head: Callable,
    labels: Sequence[str] | None,
    **arguments: Any,
) -> Callable[[], Case]:
    """Returns a case with LSTMs, and a frozen encoder joined, under `head`."""

    def case() -> Case:
        words, frozen = word_vectors("embed", lambda x: x)(), context()
        inputs = ContextInputs(words.text_inputs, frozen.text_inputs)
        encoder = models.recurrent_encoder(
            words.model, 4, context=frozen.model, **arguments
        )
        return Case(randomized(head(encoder)), inputs, task, labels, {})

    return case


def awd_lstm(
    task: str,
    head: Callable,
    labels: Sequence[str] | None = None,
    backward: bool = False,
    **arguments: Any,
) -> Callable[[], Case]:
    """Returns a case with an AWD-LSTM under `head`."""

    def case() -> Case:
        vocabulary = ulmfit_vocabulary(real_sentences(), 300)
        inputs = ULMFiTInputs(vocabulary, backward=backward)
        encoder = models.awd_lstm_encoder(
            inputs.vocabulary_size, 6, 8, num_layers=2
        )
        return Case(randomized(head(encoder)), inputs, task, labels, arguments)

    return case


def by_flag(make: Callable[[], Case]) -> Callable[[], Case]:
    """Returns a case of semantic roles whose predicate is only flagged."""
    return lambda: make()._replace(arguments={"predicate": "flag"})


def mt_lstm() -> Case:
    """Returns a case with CoVe's encoder."""
    words = word_vectors("embed", lambda x: x)()
    encoder = models.mt_lstm_encoder(words.text_inputs.vocabulary_size, 6, 4)
    return Case(randomized(encoder), words.text_inputs, "embed", None, {})


def lstm_translator() -> Case:
    """Returns a case with an encoder-decoder of LSTMs."""
    case = translator()
    encoder = models.mt_lstm_encoder(
        case.text_inputs.vocabulary_size, 6, 4, subwords=True
    )
    model = models.attentional_lstm_translator(
        encoder, case.text_inputs.vocabulary_size, max_length=48
    )
    return case._replace(model=randomized(model))


CASES: dict[str, Callable[[], Case]] = {
    "bert_encoder": bert("embed", "wordpiece", lambda encoder: encoder),
    "bert_embedder": bert("embed", "character", models.embedder),
    "bert_classifier": bert(
        "classify",
        "wordpiece",
        lambda encoder: models.classifier(encoder, 3, "scalar_mix"),
        SENTIMENTS,
        metrics={"accuracy": 0.912345},
    ),
    "bert_pair_classifier": bert(
        "classify",
        "character",
        lambda encoder: models.classifier(encoder, 3),
        SENTIMENTS,
        pair=True,
    ),
    "bert_regressor": bert(
        "regress", "character", lambda encoder: models.classifier(encoder, 1)
    ),
    "bert_pair_regressor": bert(
        "regress",
        "wordpiece",
        lambda encoder: models.classifier(encoder, 1, "scalar_mix"),
        pair=True,
    ),
    "bert_tagger": bert(
        "tag", "wordpiece", lambda encoder: models.tagger(encoder, 5), TAGS
    ),
    "bert_lstm_tagger": bert(
        "tag",
        "wordpiece",
        lambda encoder: models.tagger(encoder, 5, lstm_dim=4),
        TAGS,
    ),
    # All features of a tagger: a CRF, LSTMs and a frozen encoder.
    "bert_crf_tagger": bert(
        "tag",
        "character",
        lambda encoder: models.tagger(
            encoder, 5, "concat_last_4", frozen=True, crf=True, lstm_dim=4
        ),
        TAGS,
        num_layers=3,
    ),
    "bert_windowed_classifier": bert(
        "classify",
        "wordpiece",
        lambda encoder: models.classifier(encoder, 3),
        SENTIMENTS,
        max_length=16,
        windows=TEXT_WINDOWS,
    ),
    "bert_windowed_regressor": bert(
        "regress",
        "character",
        lambda encoder: models.classifier(encoder, 1),
        max_length=16,
        windows=TEXT_WINDOWS,
    ),
    "bert_windowed_tagger": bert(
        "tag",
        "wordpiece",
        lambda encoder: models.tagger(encoder, 5),
        TAGS,
        max_length=16,
        windows=TEXT_WINDOWS,
    ),
    "elmo_windowed_crf_tagger": elmo(
        "tag",
        lambda encoder: models.tagger(encoder, 5, crf=True),
        TAGS,
        windows=TEXT_WINDOWS,
    ),
    "bert_span_extractor": bert(
        "answer", "wordpiece", models.span_extractor, windows=WINDOWS
    ),
    "bert_pretrainer": bert("fill_mask", "wordpiece", models.bert_pretrainer),
    "elmo_encoder": elmo("embed", lambda encoder: encoder),
    "elmo_word_encoder": elmo_words,
    "elmo_classifier": elmo(
        "classify",
        lambda encoder: models.classifier(encoder, 3, "scalar_mix"),
        SENTIMENTS,
    ),
    "elmo_distinct_classifier": elmo(
        "classify",
        lambda encoder: models.classifier(encoder, 3),
        SENTIMENTS,
        distinct=True,
    ),
    "word_vectors": word_vectors(
        "embed",
        lambda encoder: encoder,
        unknown="characters",
        num_buckets=500,
    ),
    "word_vector_classifier": word_vectors(
        "classify",
        lambda encoder: models.classifier(encoder, 3),
        SENTIMENTS,
        unknown="hash",
        num_unknown=20,
        lower_case_fallback=True,
    ),
    "word_vector_tagger": word_vectors(
        "tag",
        lambda encoder: models.tagger(encoder, 5, crf=True),
        TAGS,
        unknown="classes",
    ),
    "gpt": gpt(
        "generate",
        models.causal_language_model,
        writing=GenerateSettings(max_length=44, top_p=0.9, seed=3),
    ),
    "gpt_classifier": gpt(
        "classify", lambda encoder: models.classifier(encoder, 3), SENTIMENTS
    ),
    "translator": translator,
    # TagLM, and a context that reads parts of words.
    "taglm": recurrent(
        "tag",
        elmo("embed", lambda encoder: encoder),
        lambda encoder: models.tagger(encoder, 5, crf=True),
        TAGS,
        cell="gru",
    ),
    "recurrent_classifier": recurrent(
        "classify",
        bert("embed", "wordpiece", lambda encoder: encoder),
        lambda encoder: models.classifier(encoder, 3),
        SENTIMENTS,
        join=("input", "output"),
        context_mix="scalar_mix",
    ),
    "bert_roles": bert(
        "roles",
        "wordpiece",
        lambda encoder: models.semantic_roles(
            encoder, 5, body="bilstm", hidden_dim=4, predicate_dim=4
        ),
        TAGS,
        predicate="second_segment",
    ),
    "word_vector_roles": by_flag(
        word_vectors(
            "roles",
            lambda encoder: models.semantic_roles(
                *(encoder, 5), body="highway_lstm", num_layers=2, hidden_dim=4
            ),
            TAGS,
            unknown="classes",
        )
    ),
    # A frozen ELMo joined to word vectors.
    "elmo_roles": by_flag(
        recurrent(
            "roles",
            elmo("embed", lambda encoder: encoder),
            lambda encoder: models.semantic_roles(encoder, 5),
            TAGS,
        )
    ),
    "mt_lstm_encoder": mt_lstm,
    "lstm_translator": lstm_translator,
    "awd_lstm_encoder": awd_lstm("embed", lambda encoder: encoder),
    "awd_lstm": awd_lstm(
        "generate",
        models.causal_language_model,
        writing=GenerateSettings(max_length=44, top_p=0.9, seed=3),
    ),
    "awd_lstm_classifier": awd_lstm(
        "classify",
        lambda encoder: models.classifier(encoder, 3, head="concat_pooling"),
        SENTIMENTS,
        backward=True,
    ),
    "awd_lstm_document_classifier": awd_lstm(
        "classify",
        lambda encoder: models.classifier(
            models.awd_lstm_document_encoder(encoder, 5, 3),
            3,
            head="concat_pooling",
        ),
        SENTIMENTS,
    ),
    "awd_lstm_tagger": awd_lstm(
        "tag", lambda encoder: models.tagger(encoder, 5), TAGS
    ),
}

# For `make test`: an export with requests takes half a minute per model.
QUICK = ["bert_classifier"]
NAMES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in CASES
]
