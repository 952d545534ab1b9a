"""GPT's fine-tuning: the loss of a classifier and of the next token."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized

from keras_ctx import data, models, text, training

TEXTS = ["abc", "de", "f", "ghijk"]
LABELS = [0, 2, 1, 2]
INPUTS = text.GPTInputs([*text.byte_letters(), "<|endoftext|>"], [], 8)


def gpt() -> keras.Model:
    # Nothing is dropped, so that a step can be computed again.
    return randomized(
        models.gpt_encoder(
            *(257, 2, 2, 8, 12, 8), dropout=0.0, attention_dropout=0.0
        )
    )


def classifier(mix: Any = "last") -> keras.Model:
    return models.classifier(gpt(), 3, mix, dropout=0.0, language_model=True)


def log_softmax(x) -> np.ndarray:
    x = np.asarray(x).astype("float64")
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


@pytest.mark.parametrize("weights", [None, {0: 1.0, 1: 2.0, 2: 3.0}])
def test_the_loss_equals_numpy(weights) -> None:
    model = classifier()
    weighted = weights is not None
    loss = training.task_loss(
        "classification", weighted, language_model_weight=0.5
    )
    model.compile("sgd", **loss, jit_compile=False)
    dataset = data.classification_dataset(
        *(TEXTS, LABELS, INPUTS),
        batch_size=4,
        training=False,
        class_weights=weights,
        next_tokens=True,
    )
    found = model.evaluate(dataset, verbose=0, return_dict=True)
    of_class, of_rows = [], []
    for row, label in zip(TEXTS, LABELS, strict=True):
        # Each text alone, without padding.
        outputs = model(INPUTS([row]))
        of_class.append(-log_softmax(outputs["logits"])[0, label])
        ids = [*row.encode()]
        scores = log_softmax(outputs["next_token"])[0]
        nats = [-scores[t, x] for t, x in enumerate(ids[1:])]
        # A text of one token has no next one.
        of_rows.append(np.mean(nats) if nats else 0.0)
    counts = [1.0] * 4 if weights is None else [weights[x] for x in LABELS]
    expected = np.average(of_class, weights=counts)
    language_model = np.mean(of_rows)
    assert found["next_token_loss"] == pytest.approx(language_model, rel=1e-5)
    assert found["logits_loss"] == pytest.approx(expected, rel=1e-5)
    assert found["loss"] == pytest.approx(
        expected + 0.5 * language_model, rel=1e-5
    )


@pytest.mark.parametrize("mix", ["last", "scalar_mix"])
def test_a_step_trains_both_and_the_output_comes_off(mix) -> None:
    model = classifier(mix)
    loss = training.task_loss("classification", language_model_weight=0.5)
    model.compile("sgd", **loss, jit_compile=False)
    (batch,) = data.classification_dataset(
        *(TEXTS, LABELS, INPUTS),
        batch_size=4,
        training=False,
        next_tokens=True,
    )
    features, targets, weights = batch
    with tf.GradientTape() as tape:
        total = model.compute_loss(
            features, targets, model(features, training=True), weights
        )
    gradients = tape.gradient(total, model.trainable_weights)
    assert all(x is not None for x in gradients)
    alone = models.without_language_model(model)
    assert set(alone.output) == {"logits"}
    assert models.without_language_model(alone) is alone
    np.testing.assert_array_equal(
        alone(features)["logits"], model(features)["logits"]
    )
    assert models.encoder_of(alone).output["sequence"].shape[-1] == 8


def test_the_training_model_in_a_file(tmp_path) -> None:
    """The token table is one, inside and outside of the encoder."""
    model = classifier()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    features = INPUTS(TEXTS)
    for key, x in model(features).items():
        np.testing.assert_array_equal(loaded(features)[key], x)
    assert len(loaded.weights) == len(model.weights)


def test_refusals() -> None:
    bert = models.bert_encoder(20, 1, 2, 8, 12)
    with pytest.raises(ValueError, match="only the tokens before it.*'bert'"):
        models.classifier(bert, 2, language_model=True)
    with pytest.raises(ValueError, match="nothing to train in a `frozen`"):
        models.classifier(gpt(), 2, frozen=True, language_model=True)
    inputs = text.BertInputs([*text.SPECIAL_TOKENS, "a"], 8)
    with pytest.raises(ValueError, match="`next_tokens` needs .*BertInputs"):
        data.classification_dataset(
            *(TEXTS, LABELS, inputs),
            batch_size=4,
            training=False,
            next_tokens=True,
        )
    for weight in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="must be a number above 0"):
            training.task_loss("regression", language_model_weight=weight)
    with pytest.raises(ValueError, match="needs a classifier of rows"):
        training.task_loss("tagging", language_model_weight=0.5)
