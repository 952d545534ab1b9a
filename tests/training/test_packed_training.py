"""Losses and gradients of packed rows are those of one text a row."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.backends import gradients
from contracts.random_weights import randomized

from keras_ctx import data, models, serving, training
from keras_ctx.text import BertInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT = BertInputs([*SPECIAL, *"abcdefghij"], 12, split="character")
WORDS = [list("abc"), ["d"], list("efghijab"), list("ca"), list("jjdhf")]
TEXTS = ["".join(row) for row in WORDS]
IDS = [3, 0, 1, 2, 2]
ROOM: dict[str, Any] = {"length": 16, "batch_size": 3, "max_texts": 4}


def encoder(**options) -> keras.Model:
    return models.bert_encoder(
        BERT.vocabulary_size,
        *(2, 2, 8, 12),
        max_length=12,
        dropout=0.0,
        attention_dropout=0.0,
        **options,
    )


def labelled(labels: Any) -> tf.data.Dataset:
    return data.classification_dataset(
        TEXTS, labels, BERT, batch_size=5, training=False
    )


def tagged() -> tf.data.Dataset:
    tags = [[ord(x) % 4 for x in row] for row in WORDS]
    return data.tagging_dataset(WORDS, tags, BERT, batch_size=5, training=False)


def masked() -> tf.data.Dataset:
    pairs = [text[: len(text) // 2] for text in TEXTS]
    features, ids, weights = data.masked_lm_examples(
        BERT(TEXTS, pairs),
        (1, 2),
        mask_id=4,
        special_ids=range(5),
        vocabulary_size=BERT.vocabulary_size,
        max_predictions=3,
        masking_rate=0.4,
    )
    targets = {"masked_lm": ids, "next_sentence": tf.constant([0, 1, 1, 0, 1])}
    weights = {
        "masked_lm": data.normalize_weights(weights),
        "next_sentence": tf.fill(5, 0.2),
    }
    return tf.data.Dataset.from_tensors((features, targets, weights))


def head(build: Any, **options) -> Any:
    return lambda x: build(x, 4, dropout=0.0, **options)


# task: head, its data, kind of its loss, options of `packed_dataset`
TASKS: dict[str, tuple[Any, Any, Any, dict]] = {
    "classifier": (
        head(models.classifier),
        lambda: labelled(IDS),
        "classification",
        {},
    ),
    "classifier of means": (
        head(models.classifier, mix="scalar_mix"),
        lambda: labelled(IDS),
        "classification",
        {},
    ),
    "several labels": (
        head(models.classifier),
        lambda: labelled(np.eye(4, dtype="int32")[IDS]),
        "multi_label",
        {},
    ),
    "regression": (
        lambda x: models.classifier(x, 1, dropout=0.0),
        lambda: labelled([x / 2 for x in IDS]),
        "regression",
        {},
    ),
    "tagger": (
        head(models.tagger),
        tagged,
        "tagging",
        {"per_token": ["logits"]},
    ),
    "pretrainer": (
        models.bert_pretrainer,
        masked,
        None,
        {"max_predictions": 6, "length": 25},
    ),
}


def losses(kind: str | None, packed: bool) -> dict[str, Any]:
    if kind is None:
        return {"loss": training.bert_pretraining_losses()}
    return training.task_loss(kind, packed=packed)  # pyright: ignore


def loss_and_gradients(model: keras.Model, batch: Any) -> tuple[float, dict]:
    features, targets, weights = (*batch, None)[:3]

    def loss():
        return model.compute_loss(
            x=features,
            y=targets,
            y_pred=model(features),
            sample_weight=weights,
        )

    return float(loss()), gradients(model, loss)


@pytest.mark.quick("tagger-True", "pretrainer-False")
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_loss_and_gradients(task: str, norm_first: bool) -> None:
    build, dataset, kind, options = TASKS[task]
    shared = encoder(norm_first=norm_first)
    plain = randomized(build(shared))
    packed = build(models.packed(shared, ROOM["max_texts"]))
    packed.set_weights(plain.get_weights())
    plain.compile("sgd", **losses(kind, False))
    packed.compile("sgd", **losses(kind, True))
    (batch,) = dataset()
    rows = data.packed_dataset(dataset(), **{**ROOM, **options})
    (row_batch,) = rows  # all texts are in it
    assert row_batch[0]["text_ids"].numpy().max() > 1
    expected, of_plain = loss_and_gradients(plain, batch)
    found, of_packed = loss_and_gradients(packed, row_batch)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert of_packed.keys() == of_plain.keys()
    for path, gradient in of_plain.items():
        np.testing.assert_allclose(
            of_packed[path], gradient, rtol=1e-5, atol=1e-5, err_msg=path
        )


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classifier", "tagger", "pretrainer"])
def test_trained_on_static_shapes_by_xla(task: str) -> None:
    build, dataset, kind, options = TASKS[task]
    shared = encoder()
    model = build(models.packed(shared, ROOM["max_texts"]))
    model.compile("adam", jit_compile=True, **losses(kind, True))
    rows = data.packed_dataset(dataset().repeat(), **{**ROOM, **options})
    before = [x.copy() for x in shared.get_weights()]
    history = model.fit(
        rows, steps_per_epoch=2, epochs=8, shuffle=False, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    assert all(np.isfinite(x).all() for x in shared.get_weights())
    assert any(
        (x != y).any()
        for x, y in zip(shared.get_weights(), before, strict=True)
    )
    # The way back: a head for rows of one text, with the trained weights.
    plain = build(shared)
    plain.set_weights(model.get_weights())
    plain.compile("sgd", **losses(kind, False))
    (of_rows,) = data.packed_dataset(dataset(), **{**ROOM, **options})
    (batch,) = dataset()
    found, _ = loss_and_gradients(model, of_rows)
    np.testing.assert_allclose(
        found, loss_and_gradients(plain, batch)[0], rtol=1e-5
    )


def test_accuracy_counts_texts_and_not_empty_places() -> None:
    model = randomized(
        head(models.classifier)(models.packed(encoder(), ROOM["max_texts"]))
    )
    model.compile("sgd", **training.task_loss("classification", packed=True))
    rows = data.packed_dataset(labelled(IDS), **ROOM)
    rows = data.first_batches(rows, 1)
    ((features, _, _),) = rows
    guessed = np.argmax(model(features)["logits"], axis=-1)
    ((numbers, _),) = data.packed_dataset(labelled(IDS), **ROOM, numbered=True)
    held = [tuple(np.argwhere(numbers.numpy() == k)[0]) for k in range(5)]
    right = [guessed[at] == label for at, label in zip(held, IDS, strict=True)]
    found = model.evaluate(rows, return_dict=True, verbose=0)["accuracy"]
    np.testing.assert_allclose(found, np.mean(right), rtol=1e-6)


def test_no_loss_for_what_reads_a_row_as_one_text() -> None:
    for kind, crf in (("question_answering", False), ("tagging", True)):
        with pytest.raises(ValueError, match="`packed` needs a model that"):
            training.task_loss(kind, crf=crf, packed=True)  # pyright: ignore


def test_targets_of_another_number_of_texts_are_refused() -> None:
    numbers = np.linspace(-1, 1, 5)
    room = {**ROOM, "max_texts": 1}
    rows = data.packed_dataset(labelled(numbers), **room)
    model = models.classifier(models.packed(encoder(), 4), 1)
    model.compile("sgd", **training.task_loss("regression", packed=True))
    with pytest.raises(
        ValueError, match="`max_texts` must be the same.*1 and 4"
    ):
        model.evaluate(rows, verbose=0)


def test_exports_say_what_to_do_instead(tmp_path: Path) -> None:
    model = models.classifier(models.packed(encoder(), 4), 2)
    with pytest.raises(ValueError, match="packed texts: make the same head"):
        serving.export(model, BERT, tmp_path, ["good", "bad"])
