"""The encoder inside a pretrainer, created here or loaded."""

from pathlib import Path

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import models

IDS = np.array([[2, 5, 6, 3], [2, 7, 3, 0]], "int32")
FEATURES = {
    "token_ids": IDS,
    "segment_ids": IDS % 2,
    "padding_mask": IDS > 0,
}


def pretrainer(**arguments) -> tuple[keras.Model, keras.Model]:
    encoder = randomized(
        models.bert_encoder(9, 3, 2, 4, 6, max_length=8, **arguments)
    )
    return encoder, models.bert_pretrainer(encoder)


def assert_same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    assert len(found["layers"]) == len(expected["layers"]) == 4
    for ours, theirs in zip(
        keras.tree.flatten(found), keras.tree.flatten(expected), strict=True
    ):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.quick("True")
@pytest.mark.parametrize("norm_first", [False, True])
def test_it_is_the_encoder(norm_first: bool, tmp_path: Path) -> None:
    encoder, model = pretrainer(norm_first=norm_first)
    expected = encoder(FEATURES)
    inside = models.encoder_of(model)
    assert inside.name == "bert_encoder"
    assert_same(inside(FEATURES), expected)
    model.save(tmp_path / "pretrainer.keras")
    loaded = keras.saving.load_model(tmp_path / "pretrainer.keras")
    again = models.encoder_of(loaded, name="again")
    assert again.name == "again"
    assert_same(again(FEATURES), expected)
    # And again after saving it alone.
    again.save(tmp_path / "encoder.keras")
    assert_same(
        keras.saving.load_model(tmp_path / "encoder.keras")(FEATURES), expected
    )


def test_layers_are_shared() -> None:
    encoder, model = pretrainer()
    inside = models.encoder_of(model)
    assert inside.get_layer("block_2") is encoder.get_layer("block_2")
    found = {variable.path for variable in inside.trainable_variables}
    assert found == {v.path for v in encoder.trainable_variables}


def test_a_model_without_an_encoder_is_refused() -> None:
    x = keras.Input((3,), name="x")
    with pytest.raises(ValueError, match=r"`model` must be .* \['x'\]"):
        models.encoder_of(keras.Model({"x": x}, x + 1))
