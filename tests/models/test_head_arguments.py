"""Trainable weights of heads, and refused arguments."""

import keras
import pytest

from keras_ctx import layers, models


def bert() -> keras.Model:
    return models.bert_encoder(9, 2, 2, 6, 8, 8)


def test_head_trains_its_encoder_and_has_no_weights_that_it_does_not_use():
    encoder = bert()
    names = {"/".join(w.path.split("/")[-2:]) for w in encoder.weights}
    model = models.tagger(encoder, 2)
    inner = model.get_layer("bert_encoder")
    for name in ("embeddings", "block_0", "block_1"):
        assert inner.get_layer(name) is encoder.get_layer(name)
    used = {"/".join(w.path.split("/")[-2:]) for w in inner.weights}
    assert names - used == {"pooler/kernel", "pooler/bias"}


@pytest.mark.parametrize(
    ("mix", "trained"),
    [
        ("last", {"logits/kernel", "logits/bias"}),
        (
            "scalar_mix",
            {"logits/kernel", "logits/bias", "mix_norm/gamma", "mix_norm/beta"}
            | {"scalar_mix/weights", "scalar_mix/scale"},
        ),
    ],
)
def test_frozen_encoder_leaves_the_head_to_train(mix, trained: set) -> None:
    model = models.classifier(bert(), 3, mix, frozen=True)
    assert {w.path for w in model.trainable_weights} == trained
    assert len(model.weights) > len(trained) + 10  # those of the encoder


ERRORS = [
    ("`mix` must be .*mix='first'", models.classifier, {"mix": "first"}),
    ("`mix` must be .*mix=None", models.tagger, {"mix": None}),
    ("`mix` must be .*mix=3", models.span_extractor, {"mix": 3}),
    ("`mix` must be .*mix='mean'", models.embedder, {"mix": "mean"}),
    (
        "`layers` must hold `num_layers=2` tensors. Received: 3",
        models.embedder,
        {"mix": layers.ScalarMix(2)},
    ),
    (
        '`mix="concat_last_4"` needs .* at least 4 .*Received: 3',
        models.classifier,
        {"mix": "concat_last_4"},
    ),
    ("`lstm_dim` must be .*=0", models.tagger, {"lstm_dim": 0}),
    ("`lstm_layers` must be .*=0", models.tagger, {"lstm_layers": 0}),
    ("`num_classes` must be .*=0", models.classifier, {"num_classes": 0}),
    ("`num_classes` must be .*=2.0", models.classifier, {"num_classes": 2.0}),
    ("`num_tags` must be .*=-1", models.tagger, {"num_tags": -1}),
    ("`body` must be .*='lstm'", models.semantic_roles, {"body": "lstm"}),
    ("`num_tags` must be .*=0", models.semantic_roles, {"num_tags": 0}),
    ("`num_layers` must .*=0", models.semantic_roles, {"num_layers": 0}),
    ("`hidden_dim` must .*=0", models.semantic_roles, {"hidden_dim": 0}),
    ("`predicate_dim` must", models.semantic_roles, {"predicate_dim": 0}),
    ("`recurrent_dr", models.semantic_roles, {"recurrent_dropout": 1.0}),
    ("`dropout` must be a rate .*=1.0", models.classifier, {"dropout": 1.0}),
    ("`dropout` must be a rate .*=-0.1", models.tagger, {"dropout": -0.1}),
]


@pytest.mark.parametrize(("message", "head", "arguments"), ERRORS)
def test_error(message: str, head, arguments: dict) -> None:
    sizes = {
        models.classifier: {"num_classes": 2},
        models.tagger: {"num_tags": 2},
        models.semantic_roles: {"num_tags": 2},
    }
    with pytest.raises(ValueError, match=message):
        head(bert(), **{**sizes.get(head, {}), **arguments})
