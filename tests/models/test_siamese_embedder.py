"""Several texts of a row have the vectors that each has alone."""

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import models, training


def bert_embedder() -> keras.Model:
    encoder = models.bert_encoder(20, 2, 2, 8, 12, max_length=16)
    return randomized(models.embedder(encoder, pooling=("cls", "mean")))


def test_each_text_as_alone(tmp_path) -> None:
    embedder = bert_embedder()
    model = models.siamese_embedder(embedder, 3)
    random = np.random.default_rng(2)
    features = {
        "token_ids": random.integers(0, 20, (4, 3, 5)),
        "segment_ids": np.zeros((4, 3, 5), "int32"),
        "padding_mask": np.arange(5) < random.integers(1, 6, (4, 3, 1)),
    }
    found = np.asarray(model(features)["embeddings"])
    for k in range(3):
        one = {key: x[:, k] for key, x in features.items()}
        np.testing.assert_allclose(
            found[:, k], embedder(one)["embedding"], rtol=0, atol=1e-6
        )
    # The weights are those of the embedder, under the same paths.
    assert {x.path for x in model.weights} == {x.path for x in embedder.weights}
    rates = training.layer_rates(embedder, 0.5)
    assert set(rates) == {x.path for x in model.trainable_weights}
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(features)["embeddings"], found)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="`num_texts` must be"):
        models.siamese_embedder(bert_embedder(), 1)
    encoder = models.bert_encoder(20, 1, 2, 8, 12, max_length=16)
    packed = models.embedder(models.packed(encoder, 3))
    for model in (encoder, models.classifier(encoder, 2), packed):
        with pytest.raises(ValueError, match="`embedder` must be a model of"):
            models.siamese_embedder(model)
