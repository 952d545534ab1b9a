"""A copy of a text model is independent, in this process or another."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from text_model.tiny_models import same, text_model

import keras_ctx

TEXTS = ["a b c", "d", "e f. a?"]


def pickled(model: keras_ctx.TextModel) -> keras_ctx.TextModel:
    return pickle.loads(pickle.dumps(model))


# Keras copies a model through a file.
@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, pytest.param(pickled, marks=pytest.mark.slow)]
)
def test_a_copy_asks_its_own_weights(copied: Callable) -> None:
    first = text_model("classification")
    expected = first(TEXTS)  # builds its graphs
    second = copied(first)
    assert same(second(TEXTS), expected)
    bias = second.model.get_layer("logits").bias
    bias.assign([100.0, 0.0, 0.0])
    assert {each.label for each in second(TEXTS)} == {"bad"}
    assert same(first(TEXTS), expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_a_copy_of_a_fitted_model_learns() -> None:
    first = copy.deepcopy(text_model("regression"))
    first.fit(["a", "b"], [1.0, 2.0], verbose=0)
    second = copy.deepcopy(first)
    before = second.model.get_weights()
    second.fit(["a", "b"], [1.0, 2.0], learning_rate=0.1, verbose=0)
    after = second.model.get_weights()
    assert any(
        np.abs(x - y).max() > 1e-3 for x, y in zip(before, after, strict=True)
    )


def test_a_shallow_copy_shares_the_model() -> None:
    first = text_model("classification")
    second = copy.copy(first)
    assert second.model is first.model
    assert same(second(TEXTS), first(TEXTS))
    assert isinstance(second.model, keras.Model)


@pytest.mark.slow
def test_an_exported_version_is_copied_by_its_folder(tmp_path: Path) -> None:
    version = text_model("classification").export(tmp_path / "versions")
    first = keras_ctx.load(version)
    expected = first(TEXTS)
    for second in (copy.copy(first), copy.deepcopy(first), pickled(first)):
        assert same(second(TEXTS), expected)
