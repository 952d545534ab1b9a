"""The entry of each family: its models and their properties."""

import keras
import numpy as np
import pytest
from contracts import model_cases

from keras_ctx import convert, layers, models, text
from keras_ctx.models import family
from keras_ctx.training import layer_rates

FAMILY = {
    "awd_lstm": "awd_lstm",
    "awd_lstm_documents": "awd_lstm_documents",
    "cove": "cove",
    "cove_subwords": "cove_subwords",
    "cove_translator": "cove",
    "cove_subwords_translator": "cove_subwords",
    "bert": "bert",
    "bert_causal": "bert_causal",
    "gpt": "gpt",
    "transformer": "transformer",
    "encoder_decoder": "transformer",
    "bert_pretrainer": "bert",
    "bert_packed": "bert_packed",
    "elmo": "elmo",
    "elmo_language_model": "elmo",
    "elmo_sampled": "elmo",
    "elmo_words": "elmo_words",
    "elmo_distinct": "elmo_distinct",
    "elmo_vectors": "elmo_word_vectors",
    "elmo_many_langs": "elmo_for_many_langs",
    "word_vectors": "word_vectors",
    "word_vector_trainer": "word_vectors",
    "word_vectors_and_more": "word_vectors",
    "word_vectors_roles": "word_vectors",
    "recurrent": "recurrent_word_vectors_with_context",
}
STREAMS = ("elmo_stream", "elmo_stream_sampled")
VIEWS = ("distinct_words", "from_word_vectors")
CASES = [
    case
    for case in model_cases.CASES
    if case.name != "with_markers"
    and (
        not case.variant or case.name in ("distinct_words", "from_word_vectors")
    )
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_of_every_model(case: model_cases.ModelCase) -> None:
    model = case.create()
    if case.family in STREAMS or case.name == "awd_lstm_stream_model":
        # They train a language model, which has an encoder of its own.
        with pytest.raises(ValueError, match="encoder of a registered family"):
            models.family_of(model)
        return
    name = FAMILY[case.family]
    if "language model of words" in case.name:
        name = "elmo_words"
    if case.name == "recurrent_encoder, gru":
        name = "recurrent_word_vectors"
    row = models.family_of(model)
    assert row.name == name
    encoder = models.encoder_of(model)
    # That of packed texts is the one that was packed, of single texts, and
    # that of documents the one that returns all tokens.
    others = {"bert_packed": "bert", "awd_lstm_documents": "awd_lstm"}
    alone = others.get(name, name)
    assert models.family_of(encoder).name == alone
    # Layers from the lowest: one list for each output of the encoder.
    stack = models.family_of(encoder).stack(encoder)
    assert len(stack) == len(encoder.output["layers"])
    assert all(stack[1:])
    assert bool(stack[0]) == (case.family != "elmo_vectors")


def test_sizes() -> None:
    sizes = {
        name: models.family_of(make()).sizes(make())
        for name, make in {
            "bert": lambda: model_cases.bert(num_segments=3),
            "elmo": model_cases.elmo,
            "distinct": lambda: models.distinct_words(model_cases.elmo()),
            "words": model_cases.elmo_words,
            "many": model_cases.elmo_many_langs,
            "vectors": model_cases.word_vectors,
            "vectors and more": model_cases.word_vectors_and_more,
        }.items()
    }
    assert sizes == {
        "bert": {"vocabulary_size": 13, "num_segments": 3, "positions": 20},
        "elmo": {"max_characters": 5},
        "distinct": {"max_characters": 5},
        "words": {"vocabulary_size": 11},
        "many": {
            "vocabulary_size": 11,
            "characters": 20,
            "begin_characters": (20, 15, 19, 18, 18),
            "end_characters": (20, 16, 19, 18, 18),
        },
        "vectors": {
            "vocabulary_size": 9,
            "num_unknown": 2,
            "num_buckets": 0,
        },
        "vectors and more": {
            "vocabulary_size": 9,
            "num_unknown": 2,
            "num_buckets": 20,
            "max_characters": 5,
        },
    }


def test_an_encoder_of_ones_own_is_of_no_family() -> None:
    ids = keras.Input((None,), dtype="int32", name="word_ids")
    x = layers.WordEmbedding(9, 4, name="word_embedding")(ids)
    model = keras.Model({"word_ids": ids}, {"sequence": x})
    with pytest.raises(ValueError, match=r"registered.*inputs \['word_ids'\]"):
        models.family_of(model)
    for other in (
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]),
        keras.Sequential([keras.layers.Dense(1)]),  # not built
    ):
        with pytest.raises(ValueError, match="registered"):
            models.family_of(other)


def test_an_encoder_of_word_vectors_under_a_head() -> None:
    encoder = models.from_word_vectors(model_cases.elmo())
    tagger = models.tagger(encoder, 3)
    inputs = model_cases.INPUTS["elmo_vectors"]
    features = {name: value for name, (value, *_) in inputs.items()}
    inside = models.encoder_of(tagger)
    found, expected = inside(features), encoder(features)
    assert found.keys() == expected.keys()
    for ours, theirs in zip(
        keras.tree.flatten(found), keras.tree.flatten(expected), strict=True
    ):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    rates = layer_rates(tagger, decay=0.5)
    found = {rate for path, (rate, _) in rates.items() if "bilm" in path}
    assert found == {0.5, 0.25}


def test_families_may_share_an_input(monkeypatch) -> None:
    monkeypatch.setattr(family, "_FAMILIES", dict(family._FAMILIES))
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    x = layers.WordEmbedding(9, 4, name="embeddings")(ids)
    x = keras.layers.Dense(4, name="decoder_0")(x)
    mask = layers.PaddingMask(name="padding_mask")(ids)
    decoder = keras.Model(
        {"token_ids": ids},
        {"sequence": x, "layers": [x], "padding_mask": mask},
    )
    row = models.Family(
        "decoder",
        reads="the token ids of a decoder",
        inputs=("token_ids",),
        layers=("embeddings", "decoder_0"),
        text_inputs=("DecoderInputs",),
        encoder=lambda model, name: model,
        stack=lambda model: [[model.get_layer("decoder_0")]],
    )
    models.register_family(row)
    assert models.family_of(decoder) is row
    assert models.family_of(models.tagger(decoder, 2)) is row
    assert models.family_of(model_cases.bert()).name == "bert"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    with pytest.raises(ValueError, match="of a decoder .*BertInputs.*a BERT"):
        inputs = text.BertInputs([*special, "a"], 9)
        convert.check_text_inputs(inputs, decoder, "runs/a")
