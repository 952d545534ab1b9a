"""LayerwiseAdamW with a model: in `fit`, saved, in half precision."""

import json

import keras
import numpy as np
import pytest

from keras_ctx import models
from keras_ctx.training import LayerwiseAdamW, bert_optimizer, layer_rates

RATE = 0.01
FEATURES = {
    "token_ids": np.tile(np.arange(6, dtype="int32"), (8, 1)),
    "segment_ids": np.zeros((8, 6), "int32"),
    "padding_mask": np.ones((8, 6), bool),
}
LABELS = {"logits": np.arange(8) % 3}


def classifier(**compiled) -> keras.Model:
    keras.utils.set_random_seed(4)
    encoder = models.bert_encoder(
        *(9, 1, 2, 4, 8, 6),
        dropout=0.0,
        attention_dropout=0.0,
        initializer_range=0.5,
    )
    model = models.classifier(encoder, 3, dropout=0.0)
    rates = layer_rates(model, decay=0.5, unfreeze_every=2)
    model.compile(
        bert_optimizer(
            RATE, 40, layer_rates=rates, **compiled.pop("optimizer", {})
        ),
        loss={"logits": keras.losses.SparseCategoricalCrossentropy(True)},
        **compiled,
    )
    return model


def fit(model: keras.Model, epochs: int, initial_epoch: int = 0) -> None:
    model.fit(
        *(FEATURES, LABELS),
        batch_size=4,
        epochs=epochs,
        initial_epoch=initial_epoch,
        shuffle=False,
        verbose=0,
    )


def moved(model: keras.Model, before: dict) -> set[str]:
    return {
        x.path.split("/")[0]
        for x in model.trainable_variables
        if not np.array_equal(before[x.path], x.numpy())
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("jit_compile", "accumulated"),
    [
        pytest.param(True, 1, marks=pytest.mark.slow),
        (False, 2),
        pytest.param(False, 1, marks=pytest.mark.slow),
        pytest.param(True, 2, marks=pytest.mark.slow),
    ],
)
def test_layers_awake_one_after_the_other_in_fit(
    jit_compile: bool, accumulated: int
) -> None:
    model = classifier(
        jit_compile=jit_compile,
        optimizer={
            "gradient_accumulation_steps": accumulated,
            "warmup_ratio": 0,
        },
    )
    before = {x.path: x.numpy().copy() for x in model.trainable_variables}
    # Two batches per epoch, two updates per stage.
    awake = {"logits", "pooler"}
    for stage, name in enumerate((None, "block_0", "embeddings")):
        awake |= {name} if name else set()
        fit(model, (stage + 1) * accumulated, stage * accumulated)
        assert moved(model, before) == awake


@pytest.mark.slow
def test_goes_on_from_its_file_as_if_it_had_not_been_written(tmp_path) -> None:
    model = classifier(jit_compile=False)
    fit(model, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, LayerwiseAdamW)
    config = json.loads(json.dumps(loaded.optimizer.get_config()))
    assert config["layer_rates"]["block_0/intermediate/bias"] == [0.5, 2]
    for each in (model, loaded):
        fit(each, 4, 2)
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.slow
def test_mixed_bfloat16() -> None:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = classifier(jit_compile=False, optimizer={"warmup_ratio": 0})
    finally:
        keras.config.set_dtype_policy(previous)
    before = {x.path: x.numpy().copy() for x in model.trainable_variables}
    fit(model, 1)
    assert moved(model, before) == {"logits", "pooler"}
    fit(model, 3, 1)
    assert moved(model, before) >= {"block_0", "embeddings"}
    assert {x.dtype for x in model.optimizer.variables[2:]} == {"float32"}
