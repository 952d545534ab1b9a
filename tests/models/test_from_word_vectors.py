"""An encoder that starts after its token layer."""

import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import models
from keras_ctx.text import ElmoInputs

TEXTS = ["a bc a", "", "bc déf"]


def encoder():
    return randomized(
        models.elmo_encoder([(1, 4), (2, 5)], 6, 3, max_characters=6)
    )


def test_equals_the_encoder_of_characters() -> None:
    elmo = encoder()
    expected = elmo(ElmoInputs(6)(TEXTS))
    features = ElmoInputs(6, distinct=True)(TEXTS)
    word_ids = np.asarray(features["word_ids"])
    char_cnn = elmo.get_layer("char_cnn")
    table = np.asarray(char_cnn(features["distinct_char_ids"][None]))[0]
    model = models.from_word_vectors(elmo)
    found = model({"word_vectors": table, "word_ids": word_ids})
    assert found.keys() == expected.keys()
    for ours, theirs in zip(found["layers"], expected["layers"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(
        found["padding_mask"], expected["padding_mask"]
    )
    # Shared layers: training one trains the other.
    assert model.get_layer("bilm") is elmo.get_layer("bilm")


def test_word_beyond_the_table_is_nan() -> None:
    model = models.from_word_vectors(encoder())
    word_ids = np.array([[3, 4]], "int32")
    found = model(
        {"word_vectors": np.ones((4, 3), "float32"), "word_ids": word_ids}
    )
    assert np.isnan(found["layers"][0][0, 1]).all()
    assert np.isfinite(found["layers"][0][0, 0]).all()


def test_encoder_of_words_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`char_ids`.*\['word_ids'\]"):
        models.from_word_vectors(models.elmo_word_encoder(9, 6, 3))
