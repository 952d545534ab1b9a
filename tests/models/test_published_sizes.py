"""The published sizes as functions: their arguments, and what stands of them.

Their numbers of weights are in test_bert.py and test_elmo.py.
"""

import inspect
import re

import keras
import pytest

from keras_ctx import models

BERT = {"num_layers", "num_heads", "hidden_dim", "intermediate_dim"}
ELMO = {"filters", "hidden_dim", "projection_dim", "num_highways"}
SIZES = {
    **dict.fromkeys(
        ("bert_tiny", "bert_mini", "bert_small", "bert_medium"), BERT
    ),
    **dict.fromkeys(("bert_base", "bert_large"), BERT),
    **dict.fromkeys(("elmo_small", "elmo_medium", "elmo_original"), ELMO),
}


@pytest.mark.parametrize("name", SIZES)
def test_the_arguments_are_those_of_the_builder(name: str) -> None:
    builder = getattr(models, f"{name.partition('_')[0]}_encoder")
    expected = {
        key: (argument.kind, argument.default, argument.annotation)
        for key, argument in inspect.signature(builder).parameters.items()
        if key not in SIZES[name]
    }
    kind, _, annotation = expected["name"]
    expected["name"] = (kind, name, annotation)
    found = inspect.signature(getattr(models, name))
    assert [*found.parameters] == [*expected]  # in the same order
    for key, argument in found.parameters.items():
        told = (argument.kind, argument.default, argument.annotation)
        assert told == expected[key], key
    assert found.return_annotation is keras.Model


@pytest.mark.parametrize("name", SIZES)
def test_each_says_what_it_is(name: str) -> None:
    size = getattr(models, name)
    assert (size.__name__, size.__module__.split(".")[:2]) == (
        name,
        ["keras_ctx", "models"],
    )
    for section in ("Example:", "Source:"):
        assert section in size.__doc__
    assert re.search(r"https://\S+", size.__doc__)


def test_arguments_reach_the_builder() -> None:
    """One that differs from its default, of each kind of value."""
    encoder = models.bert_tiny(
        9, 8, 3, activation="relu", norm_first=True, name="mine"
    )
    embeddings, block = (
        encoder.get_layer(name) for name in ("embeddings", "block_1")
    )
    assert (embeddings.vocabulary_size, embeddings.max_length) == (9, 8)
    assert (embeddings.num_segments, block.activation) == (3, "relu")
    assert block.norm_first and encoder.name == "mine"
    assert models.bert_tiny(9, max_length=8).name == "bert_tiny"
    with keras.StatelessScope(initialize_variables=False):
        elmo = models.elmo_small(1, max_characters=20, cell_clip=None)
    keras.utils.clear_session()
    assert tuple(elmo.input["char_ids"].shape) == (None, None, 20)
    assert elmo.get_layer("bilm").num_layers == 1
    assert elmo.get_layer("bilm").cell_clip is None


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (models.bert_tiny, {"vocabulary_size": 9, "hidden_dim": 64}),
        (models.elmo_small, {"num_highways": 3}),
    ],
)
def test_a_published_size_is_no_argument(make, size: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=f"unexpected .* '{[*size][-1]}'"):
        make(**size)
