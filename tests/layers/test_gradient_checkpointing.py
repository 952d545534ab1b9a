"""Recomputed activations: the same numbers, the same dropout, less kept."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import models
from keras_ctx.layers import TransformerEncoderBlock

random = np.random.default_rng(6)
X = random.normal(size=(2, 7, 8)).astype("float32")
MASK = np.arange(7) < np.array([[7], [4]])


def block_of(checkpointing: bool, policy: str, **options) -> Any:
    keras.utils.set_random_seed(4)
    block = TransformerEncoderBlock(
        2,
        16,
        dropout=0.4,
        attention_dropout=0.4,
        gradient_checkpointing=checkpointing,
        dtype=policy,
        **options,
    )
    block.build(X.shape)
    return block


def step(block: Any, jit_compile: bool | None) -> list[np.ndarray]:
    """Returns output, gradients and the next seeds of a block run twice."""

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(2):
                y = block(y, padding_mask=MASK, training=True)
            loss = tf.reduce_sum(tf.cast(y, "float32") * X)
        weights = [w.value for w in block.trainable_weights]
        return [y, *tape.gradient(loss, [x, *weights])]

    if jit_compile is not None:
        run = tf.function(run, jit_compile=jit_compile)
    found = run(tf.constant(X))
    seeds = [w for w in block.non_trainable_variables if "seed" in w.path]
    assert seeds
    return [
        np.asarray(tf.cast(x, "float32"))
        for x in (*found, *seeds)
        if x is not None
    ]


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"policy": "float32"},
        {"policy": "mixed_bfloat16"},
        {"policy": "float32", "norm_first": True},
    ],
    ids=["float32", "bfloat16", "norm_first"],
)
@pytest.mark.quick("float32-False")
def test_output_gradients_and_seeds(
    options: dict, jit_compile: bool | None
) -> None:
    expected = step(block_of(False, **options), jit_compile)
    found = step(block_of(True, **options), jit_compile)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.quick("lora")
@pytest.mark.parametrize("change", ["lora", "frozen"])
def test_updates_and_frozen_blocks(change: str) -> None:
    answers = []
    for checkpointing in (False, True):
        block = block_of(checkpointing, "float32")
        if change == "lora":
            block.enable_lora(2)
            for weight in block.trainable_weights:
                weight.assign(np.full(weight.shape, 0.3))
        block.trainable = change != "frozen"
        answers.append(step(block, None))
    for theirs, ours in zip(*answers, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_what_is_computed_again(checkpointing: bool, training: bool) -> None:
    """In training only, the feed-forward network runs twice."""
    block, calls = block_of(checkpointing, "float32"), []
    call = block.intermediate.call
    block.intermediate.call = lambda x, **k: calls.append(1) or call(x, **k)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(block(X, training=training) ** 2)
    assert len(calls) == 1
    tape.gradient(loss, block.intermediate.kernel.value)
    assert len(calls) == 1 + (checkpointing and training)


def test_scores_can_be_asked_for() -> None:
    found, expected = (
        block_of(checkpointing, "float32")(
            X, training=True, return_attention_scores=True
        )
        for checkpointing in (True, False)
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def classifier() -> keras.Model:
    keras.utils.set_random_seed(3)
    encoder = models.bert_encoder(50, 2, 2, 8, 16, max_length=9)
    return models.classifier(encoder, num_classes=2)


def learn(model: keras.Model) -> list[float]:
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(True),
    )
    ids = np.random.default_rng(2).integers(1, 50, (4, 9))
    features = {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": ids > 5,
    }
    targets = {"logits": np.arange(4) % 2}
    done = model.fit(features, targets, epochs=3, verbose=0, shuffle=False)
    return done.history["loss"]


@pytest.mark.slow
def test_a_model_learns_the_same() -> None:
    expected = learn(classifier())
    model = classifier()
    models.enable_gradient_checkpointing(model)
    np.testing.assert_allclose(learn(model), expected, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="must not have been trained since"):
        models.enable_gradient_checkpointing(model)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
    models.enable_gradient_checkpointing(model)


@pytest.mark.slow
def test_a_file_keeps_the_setting(tmp_path: Path) -> None:
    model = classifier()
    models.enable_gradient_checkpointing(model)
    model.save(tmp_path / "model.keras")
    again: Any = keras.saving.load_model(tmp_path / "model.keras")
    blocks = [
        layer
        for layer in models.encoder_of(again).layers
        if isinstance(layer, TransformerEncoderBlock)
    ]
    assert [block.gradient_checkpointing for block in blocks] == [True, True]
    assert [block.max_length for block in blocks] == [9, 9]


def test_models_without_blocks() -> None:
    elmo = models.elmo_encoder([(1, 4)], 6, 4, char_dim=4)
    with pytest.raises(ValueError, match="must have the blocks .*elmo"):
        models.enable_gradient_checkpointing(elmo)


def test_float8_is_refused() -> None:
    block = block_of(True, "float32")
    block.intermediate.quantize("float8")
    assert block(X, training=False).shape == X.shape
    with pytest.raises(ValueError, match="checkpointing.*Received.*float8"):
        block(X, training=True)


def test_a_text_model_is_refused() -> None:
    with pytest.raises(TypeError, match="of a `TextModel` give its `model`"):
        model: Any = object()
        models.enable_gradient_checkpointing(model)
