"""Every kind of model, tiny, as a case for the laws of this folder."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from keras_ctx import models

B, T, C = 4, 6, 5
LENGTHS = (6, 3, 2, 0)  # words; the last text is empty


@dataclass(frozen=True)
class ModelCase:
    """A model with its inputs and outputs."""

    name: str
    create: Callable[[], keras.Model]
    family: str
    """The key of its inputs in `INPUTS`."""
    outputs: dict[str, str]
    """Axes of the outputs, as in layer_cases.py; K for classes."""
    variant: bool = field(init=False)
    """Whether its parts also occur in other cases. Laws that take seconds per
    case test it only in the slow tests."""
    exempt: dict[str, str] = field(default_factory=dict)
    """Laws that the model cannot obey, with the reason."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "variant", self.name in VARIANTS)


VARIANTS = {
    *("recurrent_encoder, gru", "encoder_of a tagger of a recurrent_encoder"),
    "classifier of a recurrent_encoder, last",
    *("context_vectors", "from_context_vectors"),
    *("word_vector_encoder", "encoder_of a tagger of word vectors"),
    *(
        "classifier of word vectors, last",
        "embedder of word vectors, scalar_mix",
    ),
    "tagger of word vectors, scalar_mix",
    "span_extractor of word vectors, last",
    *("awd_lstm_encoder, stateful, not tied", "awd_lstm_language_model"),
    *("classifier of awd_lstm_documents", "awd_lstm_with_dropout"),
    *("awd_lstm_language_model, not tied", "mt_lstm_encoder, joined"),
    "encoder_of an awd_lstm_language_model",
    "encoder_of a tagger of an mt_lstm_encoder",
    *("mt_lstm_encoder of subwords", "cross_attention_scores of LSTMs"),
    "attentional_lstm_translator of subwords",
    "encoder_of an attentional_lstm_translator",
    "causal_language_model of an awd_lstm_encoder",
    *("classifier of bert, concat_pooling", "classifier of bert, lstm"),
    *("bert_encoder, causal", "encoder_of a bert_causal_pretrainer"),
    "bert_pretrainer, masked tokens alone",
    *(
        f"{head} of {family}, {mix}"
        for head in ("classifier", "tagger", "span_extractor", "embedder")
        for family in ("awd_lstm", "cove")
        for mix in ("last", "scalar_mix")
    ),
    *("gpt_encoder, norm last", "encoder_decoder with two tables"),
    "encoder_of an encoder_decoder",
    "encoder_of a causal_language_model",
    *("tagger of gpt, scalar_mix", "span_extractor of gpt, scalar_mix"),
    *("embedder of gpt, last", "classifier of gpt, last"),
    *("classifier of gpt, language model", "without_language_model"),
    *("transformer_encoder", "causal_language_model"),
    *("attention_scores", "cross_attention_scores"),
    *("packed classifier", "packed embedder", "packed tagger"),
    "siamese_embedder of bert",
    *("bert_encoder", "elmo_word_encoder", "elmo_language_model, sampled"),
    *("elmo_stream_model of words, sampled", "embedder of elmo, last"),
    "encoder_of a language model",
    "encoder_of a language model of words",
    "encoder_of a pretrainer",
    "encoder_of a tagger of many langs",
    *("with_dtype of elmo", "merge_lora of bert"),
    *("tagger of bert, crf", "tagger of elmo, lstm and crf"),
    *(
        "semantic_roles of bert, scalar_mix",
        "semantic_roles of bert, bilstm",
    ),
    *("distinct_words", "elmo_language_model", "tagger of elmo, last"),
    *("classifier of elmo, scalar_mix", "from_word_vectors"),
    # The others cover each head, each mixture and each family.
    *("classifier of bert, last", "classifier of elmo, last"),
    *("classifier of bert, scalar_mix", "tagger of bert, last"),
    *("tagger of bert, scalar_mix", "tagger of elmo, scalar_mix"),
    *("span_extractor of bert, last", "span_extractor of elmo, last"),
    *("span_extractor of elmo, scalar_mix", "embedder of elmo, scalar_mix"),
    *("embedder of bert, scalar_mix", "tagger of bert, concat_last_4"),
    *(
        "embedder of bert, concat_last_4",
        "span_extractor of bert, concat_last_4",
    ),
}


def bert(num_layers: int = 2, **kwargs) -> keras.Model:
    return models.bert_encoder(
        13, num_layers, 2, 8, 12, max_length=20, **kwargs
    )


def gpt(**kwargs) -> keras.Model:
    return models.gpt_encoder(13, 2, 2, 8, 12, max_length=20, **kwargs)


def gpt_classifier() -> keras.Model:
    return models.classifier(gpt(), 3, language_model=True)


def awd_lstm(**kwargs) -> keras.Model:
    return models.awd_lstm_encoder(13, 6, 8, num_layers=2, **kwargs)


def awd_lstm_documents(num_windows: int = 3) -> keras.Model:
    return models.awd_lstm_document_encoder(awd_lstm(), 2, num_windows)


def awd_lstm_model(**kwargs) -> keras.Model:
    return models.awd_lstm_language_model(awd_lstm(), **kwargs)


def mt_lstm(**kwargs) -> keras.Model:
    return models.mt_lstm_encoder(11, 6, 4, **kwargs)


def lstm_translator(**kwargs) -> keras.Model:
    return models.attentional_lstm_translator(mt_lstm(**kwargs), 13)


def transformer(**kwargs) -> keras.Model:
    return models.transformer_encoder(13, 2, 2, 8, 12, max_length=20, **kwargs)


def merged(encoder: keras.Model) -> keras.Model:
    models.enable_lora(encoder, 2)
    return models.merge_lora(encoder)


def elmo(**kwargs) -> keras.Model:
    return models.elmo_encoder(
        [(1, 4), (2, 5)],
        6,
        4,
        num_highways=1,
        char_dim=3,
        max_characters=C,
        cell_clip=0.5,
        projection_clip=0.4,
        **kwargs,
    )


def elmo_warm() -> keras.Model:
    batch = {"word_ids": np.array([[4, 5], [3, 0]], "int32")}
    return models.warm_start(elmo_words(), [batch, batch])


def _integers(low: int, high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(low, high, shape).astype("int32")


def elmo_words(**kwargs) -> keras.Model:
    return models.elmo_word_encoder(
        11, 6, 4, cell_clip=0.5, projection_clip=0.4, **kwargs
    )


def word_vectors(**kwargs) -> keras.Model:
    return models.word_vector_encoder(9, 4, 2, **kwargs)


def word_vectors_and_more() -> keras.Model:
    return word_vectors(
        num_buckets=20,
        char_filters=[(1, 4), (2, 5)],
        char_output_dim=3,
        char_dim=3,
        num_highways=1,
        max_characters=C,
    )


def recurrent(**kwargs) -> keras.Model:
    return models.recurrent_encoder(word_vectors(), 3, **kwargs)


def recurrent_with_context(**kwargs) -> keras.Model:
    return recurrent(context=elmo(), **kwargs)


def elmo_many_langs() -> keras.Model:
    return models.elmo_for_many_langs(
        [(1, 4), (2, 5)],
        6,
        4,
        21,
        [20, 15, 19, 18, 18],
        [20, 16, 19, 18, 18],
        num_words=11,
        word_dim=3,
        num_highways=1,
        char_dim=3,
        cell_clip=0.5,
        projection_clip=0.4,
    )


def _distinct_char_ids(words: int) -> np.ndarray:
    table = _integers(1, 262, words, C)
    table[0] = 0
    table[1:3] = [[259, 257, 260, 261, 261], [259, 258, 260, 261, 261]]
    return table


def _word_vectors(words: int, features: int) -> np.ndarray:
    table = np.random.default_rng(2).normal(size=(words, features))
    table[0] = 0
    return table.astype("float32")


_REAL = np.arange(T)[None] < np.array(LENGTHS)[:, None]
_BERT_REAL = np.arange(T)[None] < np.maximum(LENGTHS, 1)[:, None]
# name: value, axes, what padding holds
_BERT_INPUTS = {
    "token_ids": (_integers(0, 13, B, T), "BT", 3),
    "segment_ids": (_integers(0, 2, B, T), "BT", 1),
    "padding_mask": (_BERT_REAL, "BT", False),
}
_ELMO_INPUTS = {
    "char_ids": (_integers(1, 262, B, T, C) * _REAL[..., None], "BTC", 0),
}
_TARGETS = {
    "forward_targets": (_integers(0, 11, B, T + 1), "BT", 0),
    "backward_targets": (_integers(0, 11, B, T + 1)[:, ::-1], "BT", 0),
}
_STREAM = {  # without padding: "padding" continues it
    "forward_word_ids": (_integers(1, 9, B, T), "BT", 4),
    "backward_word_ids": (_integers(1, 9, B, T)[:, ::-1], "BT", 4),
    "forward_targets": (_integers(0, 11, B, T), "BT", 4),
    "backward_targets": (_integers(0, 11, B, T)[::-1], "BT", 4),
}
_PACKED_INPUTS = {  # rows of 3, 2, 1 and 1 texts
    **{key: _BERT_INPUTS[key] for key in ("token_ids", "segment_ids")},
    "text_ids": (
        np.array(
            [[1, 1, 2, 3, 3, 3], [1, 2, 2, 0, 0, 0], [1, 1] + [0] * 4]
            + [[1] + [0] * 5],
            "int32",
        ),
        "BT",
        0,
    ),
}
_GPT_INPUTS = {key: _BERT_INPUTS[key] for key in ("token_ids", "padding_mask")}
_SUBWORDS = {
    "token_ids": (_integers(0, 11, B, T), "BT", 3),
    "padding_mask": (_BERT_REAL, "BT", False),
}
_PREDICATE = {
    "predicate": ((np.arange(T) == 1) * _REAL.astype("int32"), "BT", 0),
}
_DECODED = {
    "decoder_token_ids": (_integers(0, 13, B, T)[::-1], "BT", 3),
    "decoder_padding_mask": (_BERT_REAL, "BT", False),
}
INPUTS = {
    "bert": _BERT_INPUTS,
    "bert_causal": _BERT_INPUTS,
    "bert_roles": _BERT_INPUTS | _PREDICATE,
    "gpt": _GPT_INPUTS,
    "awd_lstm": _GPT_INPUTS,
    "awd_lstm_documents": _GPT_INPUTS,
    "cove": {"word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0)},
    "cove_subwords": _SUBWORDS,
    "cove_translator": {
        "word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0),
        **_DECODED,
    },
    "cove_subwords_translator": _SUBWORDS | _DECODED,
    "transformer": _GPT_INPUTS,
    "encoder_decoder": _GPT_INPUTS | _DECODED,
    "bert_packed": _PACKED_INPUTS,
    "bert_texts": {  # the same lengths of the second texts
        key: (
            np.stack([x, x[::-1] if key == "token_ids" else x], axis=1),
            f"B2{axes[1:]}",
            pad,
        )
        for key, (x, axes, pad) in _BERT_INPUTS.items()
    },
    "bert_pretrainer": _BERT_INPUTS
    | {"masked_positions": (_integers(0, 1, B, 3), "BM", 0)},
    "elmo": _ELMO_INPUTS,
    "elmo_language_model": _ELMO_INPUTS | _TARGETS,
    "elmo_sampled": _ELMO_INPUTS
    | _TARGETS
    | {
        "negative_ids": (
            np.tile(np.array([[0, 3, 5], [1, 2, 9]], "int32"), (B, 1, 1)),
            "B2N",
            0,
        )
    },
    "elmo_words": {"word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0)},
    "elmo_many_langs": {
        "character_ids": (
            _integers(1, 21, B, T, C) * _REAL[..., None],
            "BTC",
            0,
        ),
        "word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0),
    },
    "word_vectors": {"word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0)},
    "word_vectors_roles": {
        "word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0),
        **_PREDICATE,
    },
    "recurrent": {
        "word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0),
        "context_char_ids": _ELMO_INPUTS["char_ids"],
    },
    "recurrent_stored": {
        "word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0),
        "context_layer_0": (_word_vectors(T, 8)[None].repeat(B, 0), "BTD", 0),
    },
    "word_vector_trainer": {
        "word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0),
        "target_ids": (np.array([4, 8, 0, 2], "int32"), "B", 0),
        "negative_ids": (
            np.tile(np.array([0, 3, 5], "int32"), (B, 1)),
            "BN",
            0,
        ),
    },
    "word_vectors_and_more": {
        "word_ids": (_integers(1, 12, B, T) * _REAL, "BT", 0),
        "subword_ids": (
            _integers(0, 21, B, T, 3) * _REAL[..., None],
            "BTC",
            0,
        ),
        **_ELMO_INPUTS,
    },
    # The first three rows: no word, begin and end of a sentence.
    "elmo_distinct": {
        "distinct_char_ids": (_distinct_char_ids(9), "WC", 0),
        "word_ids": (_integers(3, 9, B, T) * _REAL, "BT", 0),
    },
    "elmo_vectors": {
        "word_vectors": (_word_vectors(9, 4), "WD", 0),
        "word_ids": (_integers(3, 9, B, T) * _REAL, "BT", 0),
    },
    "elmo_stream": _STREAM
    | {"distinct_char_ids": (_distinct_char_ids(9), "WC", 0)},
    "elmo_stream_sampled": _STREAM
    | {
        "negative_ids": (
            np.tile(np.array([[0, 3, 5], [1, 2, 9]], "int32"), (B, 1, 1)),
            "B2N",
            0,
        )
    },
}
_ENCODED = {
    "sequence": "BTD",
    "layers": "BTD",
    "pooled": "BD",
    "padding_mask": "BT",
}
_HEADS = {
    "classifier": (
        lambda encoder, mix: models.classifier(encoder, 3, mix=mix),
        {"logits": "BK"},
    ),
    "tagger": (
        lambda encoder, mix: models.tagger(encoder, 5, mix=mix),
        {"logits": "BTK"},
    ),
    "span_extractor": (
        lambda encoder, mix: models.span_extractor(encoder, mix=mix),
        {"start_logits": "BT", "end_logits": "BT"},
    ),
    "embedder": (
        lambda encoder, mix: models.embedder(encoder, mix=mix),
        {"embedding": "BD"},
    ),
}


_ROWS_HAVE_STATES = {
    "alone": "a row goes on from the state of its place in the batch, and "
    "alone it stands in the first"
}

_BATCH_NORM = {
    "no rows": "Keras's batch norm divides by the number of rows: in training "
    "a device without rows gets NaN. Our recipes give each device equally many"
}

_KERAS_LSTM = {
    "no rows, op by op": "Keras's own LSTM cell takes a sum of no rows for a "
    "bias; in a graph, which does not know the rows, it does not"
}


def _head_cases() -> list[ModelCase]:
    return [
        ModelCase(
            f"{head} of {family}, {mix}",
            lambda make=make, encoder=encoder, mix=mix: make(encoder(), mix),
            family,
            outputs,
        )
        for head, (make, outputs) in _HEADS.items()
        for family, encoder in (("bert", bert), ("elmo", elmo))
        for mix in ("last", "scalar_mix")
    ] + [
        ModelCase(
            f"{head} of bert, concat_last_4",
            lambda make=make: make(bert(num_layers=3), "concat_last_4"),
            "bert",
            outputs,
        )
        for head, (make, outputs) in _HEADS.items()
    ]


CASES = [
    ModelCase("bert_encoder", bert, "bert", _ENCODED),
    ModelCase(
        "bert_encoder, norm first",
        lambda: bert(norm_first=True, activation="gelu_tanh"),
        "bert",
        _ENCODED,
    ),
    ModelCase(
        "bert_pretrainer",
        lambda: models.bert_pretrainer(bert(activation="gelu_tanh")),
        "bert_pretrainer",
        {"masked_lm": "BMV", "next_sentence": "BK"},
    ),
    ModelCase(
        "bert_pretrainer, masked tokens alone",
        lambda: models.bert_pretrainer(bert(), next_sentence=False),
        "bert_pretrainer",
        {"masked_lm": "BMV"},
    ),
    ModelCase(
        "bert_encoder, causal",
        lambda: bert(causal=True),
        "bert_causal",
        _ENCODED,
    ),
    ModelCase(
        "bert_causal_pretrainer",
        lambda: models.bert_causal_pretrainer(bert(causal=True)),
        "bert_causal",
        {"next_token": "BTV"},
    ),
    ModelCase(
        "attention_scores",
        lambda: models.attention_scores(bert()),
        "bert",
        {"attention_scores": "BHTT"},
    ),
    ModelCase(
        "packed",
        lambda: models.packed(bert(), 3),
        "bert_packed",
        {**_ENCODED, "pooled": "BND", "text_ids": "BT"},
    ),
    ModelCase(
        "siamese_embedder of bert",
        lambda: models.siamese_embedder(models.embedder(bert())),
        "bert_texts",
        {"embeddings": "BND"},
    ),
    *[
        ModelCase(
            f"packed {head}",
            lambda make=make: make(models.packed(bert(), 3)),
            "bert_packed",
            outputs,
        )
        for head, make, outputs in (
            (
                "classifier",
                lambda x: models.classifier(x, 3, mix="scalar_mix"),
                {"logits": "BNK"},
            ),
            ("embedder", models.embedder, {"embedding": "BND"}),
            ("tagger", lambda x: models.tagger(x, 5), {"logits": "BTK"}),
        )
    ],
    ModelCase("gpt_encoder", gpt, "gpt", _ENCODED),
    ModelCase(
        "gpt_encoder, norm last",
        lambda: gpt(norm_first=False, activation="silu"),
        "gpt",
        _ENCODED,
    ),
    ModelCase(
        "causal_language_model",
        lambda: models.causal_language_model(gpt()),
        "gpt",
        {"next_token": "BTV"},
    ),
    ModelCase("awd_lstm_encoder", awd_lstm, "awd_lstm", _ENCODED),
    ModelCase(
        "awd_lstm_encoder, stateful, not tied",
        lambda: awd_lstm(stateful=True, max_batch_size=B + 1, tied=False),
        "awd_lstm",
        _ENCODED,
        exempt=_ROWS_HAVE_STATES,
    ),
    ModelCase(
        "awd_lstm_document_encoder",
        awd_lstm_documents,
        "awd_lstm_documents",
        _ENCODED,
    ),
    ModelCase(
        "classifier of awd_lstm_documents",
        lambda: models.classifier(awd_lstm_documents(1), 3),
        "awd_lstm_documents",
        {"logits": "BK"},
    ),
    ModelCase(
        "awd_lstm_with_dropout",
        lambda: models.awd_lstm_with_dropout(awd_lstm()),
        "awd_lstm",
        _ENCODED,
    ),
    ModelCase(
        "awd_lstm_language_model",
        awd_lstm_model,
        "awd_lstm",
        {"next_token": "BTV"},
    ),
    ModelCase(
        "awd_lstm_language_model, not tied",
        lambda: models.awd_lstm_language_model(
            awd_lstm(tied=False), tied=False
        ),
        "awd_lstm",
        {"next_token": "BTV"},
    ),
    ModelCase(
        "awd_lstm_stream_model",
        lambda: models.awd_lstm_stream_model(awd_lstm_model(), B + 1),
        "awd_lstm",
        {"next_token": "BTV"},
        exempt=_ROWS_HAVE_STATES,
    ),
    ModelCase(
        "encoder_of an awd_lstm_language_model",
        lambda: models.encoder_of(awd_lstm_model()),
        "awd_lstm",
        _ENCODED,
    ),
    ModelCase(
        "causal_language_model of an awd_lstm_encoder",
        lambda: models.causal_language_model(awd_lstm()),
        "awd_lstm",
        {"next_token": "BTV"},
    ),
    ModelCase(
        "classifier of awd_lstm, concat_pooling",
        lambda: models.classifier(awd_lstm(), 3, head="concat_pooling"),
        "awd_lstm",
        {"logits": "BK"},
        exempt=_BATCH_NORM,
    ),
    ModelCase(
        "classifier of bert, lstm",
        lambda: models.classifier(bert(), 3, lstm_dim=3, lstm_layers=1),
        "bert",
        {"logits": "BK"},
    ),
    ModelCase(
        "classifier of bert, concat_pooling",
        lambda: models.classifier(
            bert(), 3, "scalar_mix", head="concat_pooling"
        ),
        "bert",
        {"logits": "BK"},
        exempt=_BATCH_NORM,
    ),
    ModelCase("mt_lstm_encoder", mt_lstm, "cove", _ENCODED),
    ModelCase(
        "mt_lstm_encoder, joined",
        lambda: mt_lstm(layer0=True, residual_embeddings=True),
        "cove",
        _ENCODED,
    ),
    ModelCase(
        "encoder_of a tagger of an mt_lstm_encoder",
        lambda: models.encoder_of(
            models.tagger(mt_lstm(residual_embeddings=True), 3)
        ),
        "cove",
        _ENCODED,
    ),
    ModelCase(
        "mt_lstm_encoder of subwords",
        lambda: mt_lstm(subwords=True),
        "cove_subwords",
        _ENCODED,
    ),
    ModelCase(
        "attentional_lstm_translator",
        lstm_translator,
        "cove_translator",
        {"next_token": "BTV"},
    ),
    ModelCase(
        "attentional_lstm_translator of subwords",
        lambda: lstm_translator(subwords=True),
        "cove_subwords_translator",
        {"next_token": "BTV"},
    ),
    ModelCase(
        "cross_attention_scores of LSTMs",
        lambda: models.cross_attention_scores(lstm_translator()),
        "cove_translator",
        {"cross_attention_scores": "BHTT"},
    ),
    ModelCase(
        "encoder_of an attentional_lstm_translator",
        lambda: models.encoder_of(lstm_translator()),
        "cove",
        _ENCODED,
    ),
    *[
        ModelCase(
            f"{head} of {family}, {mix}",
            lambda make=make, encoder=encoder, mix=mix: make(encoder(), mix),
            family,
            outputs,
        )
        for family, encoder, mixes in (
            ("awd_lstm", awd_lstm, ("last", "scalar_mix") * 2),
            ("cove", mt_lstm, ("scalar_mix", "last") * 2),
        )
        for (head, (make, outputs)), mix in zip(
            _HEADS.items(), mixes, strict=True
        )
    ],
    ModelCase("transformer_encoder", transformer, "transformer", _ENCODED),
    ModelCase(
        "encoder_decoder",
        lambda: models.encoder_decoder(transformer(), output_bias=True),
        "encoder_decoder",
        {"next_token": "BTV"},
    ),
    ModelCase(
        "cross_attention_scores",
        lambda: models.cross_attention_scores(
            models.encoder_decoder(transformer())
        ),
        "encoder_decoder",
        {"cross_attention_scores": "BHTT"},
    ),
    ModelCase(
        "encoder_decoder with two tables",
        lambda: models.encoder_decoder(
            transformer(norm_first=True, positions="learned"),
            1,
            vocabulary_size=13,
            zero_id=0,
        ),
        "encoder_decoder",
        {"next_token": "BTV"},
    ),
    ModelCase(
        "encoder_of an encoder_decoder",
        lambda: models.encoder_of(models.encoder_decoder(transformer())),
        "transformer",
        _ENCODED,
    ),
    ModelCase(
        "encoder_of a causal_language_model",
        lambda: models.encoder_of(models.causal_language_model(gpt())),
        "gpt",
        _ENCODED,
    ),
    *[
        ModelCase(
            f"{head} of gpt, {mix}",
            lambda make=make, mix=mix: make(gpt(), mix),
            "gpt",
            outputs,
        )
        for (head, (make, outputs)), mix in zip(
            _HEADS.items(),
            ("last", "scalar_mix", "scalar_mix", "last"),
            strict=True,
        )
    ],
    ModelCase(
        "classifier of gpt, language model",
        gpt_classifier,
        "gpt",
        {"logits": "BK", "next_token": "BTV"},
    ),
    ModelCase(
        "without_language_model",
        lambda: models.without_language_model(gpt_classifier()),
        "gpt",
        {"logits": "BK"},
    ),
    ModelCase("elmo_encoder", elmo, "elmo", _ENCODED),
    ModelCase(
        "elmo_language_model",
        lambda: models.elmo_language_model(elmo(), 11),
        "elmo_language_model",
        {"forward": "BT", "backward": "BT"},
    ),
    ModelCase(
        "elmo_language_model, sampled",
        lambda: models.elmo_language_model(elmo(), 11, num_negatives=3),
        "elmo_sampled",
        {"forward": "BT", "backward": "BT"},
    ),
    ModelCase("elmo_word_encoder", elmo_words, "elmo_words", _ENCODED),
    ModelCase(
        "elmo_word_encoder, stateful",
        lambda: elmo_words(stateful=True, max_batch_size=B + 1),
        "elmo_words",
        _ENCODED,
        exempt=_ROWS_HAVE_STATES,
    ),
    ModelCase(
        "elmo_for_many_langs", elmo_many_langs, "elmo_many_langs", _ENCODED
    ),
    ModelCase(
        "encoder_of a tagger of many langs",
        lambda: models.encoder_of(models.tagger(elmo_many_langs(), 3)),
        "elmo_many_langs",
        _ENCODED,
    ),
    ModelCase(
        "distinct_words",
        lambda: models.distinct_words(elmo()),
        "elmo_distinct",
        _ENCODED,
    ),
    ModelCase(
        "from_word_vectors",
        lambda: models.from_word_vectors(elmo()),
        "elmo_vectors",
        _ENCODED,
    ),
    ModelCase(
        "with_markers",
        lambda: models.with_markers(elmo()),
        "elmo",
        {"layers": "BTD"},
    ),
    ModelCase("word_vector_encoder", word_vectors, "word_vectors", _ENCODED),
    ModelCase(
        "word_vector_encoder of n-grams and characters",
        word_vectors_and_more,
        "word_vectors_and_more",
        _ENCODED,
    ),
    ModelCase(
        "word_vector_trainer",
        lambda: models.word_vector_trainer(word_vectors()),
        "word_vector_trainer",
        {"negative_log_likelihood": "B"},
    ),
    ModelCase(
        "encoder_of a tagger of word vectors",
        lambda: models.encoder_of(models.tagger(word_vectors_and_more(), 3)),
        "word_vectors_and_more",
        _ENCODED,
    ),
    *[
        ModelCase(
            f"{head} of word vectors, {mix}",
            lambda make=make, mix=mix: make(word_vectors(), mix),
            "word_vectors",
            outputs,
        )
        for (head, (make, outputs)), mix in zip(
            _HEADS.items(),
            ("last", "scalar_mix", "last", "scalar_mix"),
            strict=True,
        )
    ],
    ModelCase(
        "recurrent_encoder",
        lambda: recurrent_with_context(
            join=("input", "after_first"), context_mix="scalar_mix"
        ),
        "recurrent",
        _ENCODED,
        exempt=_KERAS_LSTM,
    ),
    ModelCase(
        "recurrent_encoder, gru",
        lambda: recurrent(cell="gru", num_layers=1),
        "word_vectors",
        _ENCODED,
        exempt=_KERAS_LSTM,
    ),
    ModelCase(
        "encoder_of a tagger of a recurrent_encoder",
        lambda: models.encoder_of(models.tagger(recurrent_with_context(), 3)),
        "recurrent",
        _ENCODED,
        exempt=_KERAS_LSTM,
    ),
    ModelCase(
        "classifier of a recurrent_encoder, last",
        lambda: models.classifier(recurrent_with_context(), 3),
        "recurrent",
        {"logits": "BK"},
        exempt=_KERAS_LSTM,
    ),
    ModelCase(
        "context_vectors",
        lambda: models.context_vectors(recurrent_with_context()),
        "recurrent",
        {"context_layer_0": "BTD"},
    ),
    ModelCase(
        "from_context_vectors",
        lambda: models.from_context_vectors(recurrent_with_context()),
        "recurrent_stored",
        _ENCODED,
        exempt=_KERAS_LSTM,
    ),
    ModelCase("warm_start", elmo_warm, "elmo_words", _ENCODED),
    ModelCase(
        "encoder_of a language model",
        lambda: models.encoder_of(models.elmo_language_model(elmo(), 11)),
        "elmo",
        _ENCODED,
    ),
    ModelCase(
        "encoder_of a language model of words",
        lambda: models.encoder_of(models.elmo_language_model(elmo_words(), 11)),
        "elmo_words",
        _ENCODED,
    ),
    ModelCase(
        "encoder_of a pretrainer",
        lambda: models.encoder_of(models.bert_pretrainer(bert())),
        "bert",
        _ENCODED,
    ),
    ModelCase(
        "encoder_of a bert_causal_pretrainer",
        lambda: models.encoder_of(
            models.bert_causal_pretrainer(bert(causal=True))
        ),
        "bert_causal",
        _ENCODED,
    ),
    ModelCase(
        "elmo_stream_model",
        lambda: models.elmo_stream_model(
            models.elmo_language_model(elmo(), 11), B
        ),
        "elmo_stream",
        {"forward": "BT", "backward": "BT"},
        exempt=_ROWS_HAVE_STATES,
    ),
    ModelCase(
        "elmo_stream_model of words, sampled",
        lambda: models.elmo_stream_model(
            models.elmo_language_model(elmo_words(), 11), B + 1, 3
        ),
        "elmo_stream_sampled",
        {"forward": "BT", "backward": "BT"},
        exempt=_ROWS_HAVE_STATES,
    ),
    *_head_cases(),
    ModelCase(
        "embedder of bert, pooled and dense",
        lambda: models.embedder(
            bert(),
            pooling=("cls", "max", "mean_sqrt_len"),
            dense=[(5, "tanh", True), (3, "linear", False)],
        ),
        "bert",
        {"embedding": "BD"},
    ),
    *[
        ModelCase(
            f"tagger of {family}, crf",
            lambda encoder=encoder: models.tagger(
                encoder(), 5, mix="scalar_mix", crf=True
            ),
            family,
            {"logits": "BTKK", "scores": "BTK", "tags": "BT"},
        )
        for family, encoder in (("bert", bert), ("elmo", elmo))
    ],
    *[
        ModelCase(
            f"tagger of {family}, lstm and crf",
            lambda encoder=encoder: models.tagger(
                encoder(), 5, mix="scalar_mix", crf=True, lstm_dim=3
            ),
            family,
            {"logits": "BTKK", "scores": "BTK", "tags": "BT"},
            exempt=_KERAS_LSTM,
        )
        for family, encoder in (("bert", bert), ("elmo", elmo))
    ],
    ModelCase(
        "semantic_roles of bert, scalar_mix",
        lambda: models.semantic_roles(
            bert(), 5, mix="scalar_mix", predicate_dim=4
        ),
        "bert_roles",
        {"logits": "BTK"},
    ),
    ModelCase(
        "semantic_roles of bert, bilstm",
        lambda: models.semantic_roles(bert(), 5, body="bilstm", hidden_dim=3),
        "bert_roles",
        {"logits": "BTK"},
        exempt=_KERAS_LSTM,
    ),
    ModelCase(
        "semantic_roles of word vectors, highway_lstm",
        lambda: models.semantic_roles(
            word_vectors(), 5, body="highway_lstm", num_layers=2, hidden_dim=3
        ),
        "word_vectors_roles",
        {"logits": "BTK"},
    ),
    ModelCase(
        "merge_lora of bert",
        lambda: merged(bert()),
        "bert",
        _ENCODED,
    ),
    ModelCase(
        "with_dtype of elmo",
        lambda: models.with_dtype(elmo(), "float32"),
        "elmo",
        _ENCODED,
    ),
]
# It changes a model; test_quantize_and_lora.py tests it.
IN_PLACE = {"enable_gradient_checkpointing", "enable_lora"}
# Rows of families of encoders, and no models.
ROWS = {"Family", "family_of", "register_family"}
SIZES = {
    "bert_tiny",
    "bert_mini",
    "bert_small",
    "bert_medium",
    "bert_base",
    "bert_large",
    "elmo_small",
    "elmo_medium",
    "elmo_original",
    "gpt1",
    *("gpt2_mini", "gpt2_small", "gpt2_medium", "gpt2_large", "gpt2_xl"),
}
"""Public names without a case: encoders in published sizes, whose numbers of
parameters tests/models checks."""
