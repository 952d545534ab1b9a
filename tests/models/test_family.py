"""The row of each family: which models are of it, and what it says of them."""

import keras
import pytest
from contracts import model_cases

from keras_ctx import layers, models

FAMILY = {
    "bert": "bert",
    "bert_pretrainer": "bert",
    "elmo": "elmo",
    "elmo_language_model": "elmo",
    "elmo_sampled": "elmo",
    "elmo_words": "elmo_words",
    "elmo_distinct": "elmo_distinct",
    "elmo_many_langs": "elmo_for_many_langs",
}
STREAMS = ("elmo_stream", "elmo_stream_sampled", "elmo_vectors")
CASES = [
    case
    for case in model_cases.CASES
    if case.name != "with_markers" and not case.variant
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_of_every_model(case: model_cases.ModelCase) -> None:
    model = case.create()
    if case.family in STREAMS:
        # They read words that another model, or a cache, has looked up.
        with pytest.raises(ValueError, match="of a family that is registered"):
            models.family_of(model)
        return
    name = FAMILY[case.family]
    if "language model of words" in case.name:
        name = "elmo_words"
    family = models.family_of(model)
    assert family.name == name
    encoder = models.encoder_of(model)
    assert models.family_of(encoder) is family
    # Layers from the lowest: a list for each of the encoder's outputs.
    stack = family.stack(encoder)
    assert len(stack) == len(encoder.output["layers"])
    assert all(stack)


def test_sizes() -> None:
    sizes = {
        name: models.family_of(make()).sizes(make())
        for name, make in {
            "bert": lambda: model_cases.bert(num_segments=3),
            "elmo": model_cases.elmo,
            "distinct": lambda: models.distinct_words(model_cases.elmo()),
            "words": model_cases.elmo_words,
            "many": model_cases.elmo_many_langs,
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
