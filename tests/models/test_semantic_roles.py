"""The head of semantic roles: what it reads, and the model of He et al."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_ctx import models
from keras_ctx.training import layer_rates

IDS = np.array([[4, 5, 6, 7], [8, 4, 0, 0]], "int32")
FLAGS = np.array([[0, 1, 0, 0], [1, 0, 0, 0]], "int32")


def words() -> keras.Model:
    return models.word_vector_encoder(9, 5)


def answer(model: keras.Model, flags: np.ndarray) -> np.ndarray:
    outputs: Any = model({"word_ids": IDS, "predicate": flags})
    return np.asarray(outputs["logits"])


@pytest.mark.quick("highway_lstm")
@pytest.mark.parametrize("body", ["none", "bilstm", "highway_lstm"])
def test_the_flag_tells_which_predicate(body: Any) -> None:
    keras.utils.set_random_seed(1)
    model = models.semantic_roles(
        words(), 3, body=body, hidden_dim=4, num_layers=2, predicate_dim=6
    )
    moved = FLAGS[:, [1, 0, 2, 3]]
    changed = np.abs(answer(model, FLAGS) - answer(model, moved)).max(-1) > 0
    if body == "none":  # only where the flag is
        assert changed.tolist() == [[1, 1, 0, 0]] * 2
    else:
        assert changed[0].all() and changed[1, :2].all()


def test_by_its_layers() -> None:
    """The word's vector and the flag's; forward, then backward; scores."""
    keras.utils.set_random_seed(2)
    model = models.semantic_roles(
        words(), 3, body="highway_lstm", hidden_dim=4, num_layers=2
    )
    layer = model.get_layer
    x = layer("word_vector_encoder")({"word_ids": IDS})["sequence"]
    flags = layer("predicate_embedding").get_weights()[0][FLAGS]
    x = np.concatenate([np.asarray(x), flags], -1)
    assert x.shape[-1] == 105
    for k in range(2):
        assert layer(f"lstm_{k}").reverse == bool(k)
        x = layer(f"lstm_{k}")(x, padding_mask=IDS > 0)
    kernel, bias = layer("logits").get_weights()
    np.testing.assert_allclose(
        answer(model, FLAGS), np.asarray(x) @ kernel + bias, atol=1e-6
    )


def test_it_is_a_model_like_any_other() -> None:
    encoder = models.bert_encoder(9, 2, 2, 6, 8, 8)
    model = models.semantic_roles(encoder, 3, frozen=True)
    assert models.family_of(model).name == "bert"
    assert models.encoder_of(model).input.keys() == encoder.input.keys()
    assert {w.path for w in model.trainable_weights} == {
        *("logits/kernel", "logits/bias"),
        "predicate_embedding/embeddings",
    }
    free = models.semantic_roles(models.bert_encoder(9, 2, 2, 6, 8, 8), 3)
    rates = layer_rates(free, decay=0.5)
    found = {rate for x, (rate, _) in rates.items() if "predicate" in x}
    assert found <= {1.0}
    with pytest.raises(ValueError, match="`semantic_roles`.*packed"):
        models.semantic_roles(models.packed(encoder, 2), 3)
