"""Exports answer as the model did, to raw TensorFlow, by documented names."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import models, serving
from keras_ctx.text import BertInputs, ElmoInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["书好", "", "这本书 [SEP] bad"]


@pytest.fixture(scope="module")
def characters() -> BertInputs:
    return BertInputs([*SPECIAL, *"书好坏这本abd"], 16, split="character")


@pytest.fixture(scope="module")
def bert(characters: BertInputs) -> keras.Model:
    return models.bert_encoder(characters.vocabulary_size, 2, 2, 8, 16, 16)


@pytest.fixture(scope="module")
def elmo() -> keras.Model:
    return models.elmo_encoder(
        [(1, 4), (2, 4)], 16, 4, num_layers=2, max_characters=8
    )


def eagerly(model: keras.Model, features: dict) -> dict:
    return model(features, training=False)


def test_classifier(tmp_path: Path, bert, characters: BertInputs) -> None:
    model = models.classifier(bert, 3, mix="scalar_mix")
    labels = ["bad", "so so", "很好"]
    version = serving.export(model, characters, tmp_path / "m", labels)
    assert version == tmp_path / "m" / "1"

    answer = serving.answers(tmp_path / "m", TEXTS)
    assert sorted(answer) == ["label", "logits", "scores"]
    logits = eagerly(model, characters(TEXTS))["logits"].numpy()
    np.testing.assert_allclose(answer["logits"], logits, atol=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answer["scores"], shares, atol=1e-5)
    best = [labels[row.argmax()] for row in logits]
    assert answer["label"].tolist() == best
    assert answer["scores"].dtype == np.float32

    # One text alone is padded less, and must get the same answer.
    alone = serving.answers(tmp_path / "m", TEXTS[:1])
    np.testing.assert_allclose(
        alone["logits"], logits[:1], rtol=1e-5, atol=1e-5
    )


def test_labels_can_be_read_again(tmp_path: Path, bert, characters) -> None:
    model = models.classifier(bert, 2)
    version = serving.export(model, characters, tmp_path, ["坏", "a b"])
    written = version / "assets" / "labels.txt"
    assert written.read_bytes() == "坏\na b\n".encode()
    without = serving.export(model, characters, tmp_path)
    assert not (without / "assets" / "labels.txt").exists()
    assert sorted(serving.answers(tmp_path, TEXTS)) == ["logits"]


def test_character_tagger(tmp_path: Path, bert, characters) -> None:
    model = models.tagger(bert, 2)
    # Bound to answer "name" everywhere, so that only what may not have a tag
    # has none.
    model.get_layer("logits").bias.assign([-9.0, 9.0])
    serving.export(model, characters, tmp_path, ["O", "name"])
    answer = serving.answers(tmp_path, TEXTS)
    assert sorted(answer) == ["logits", "scores", "tags", "tokens"]
    assert answer["tokens"].tolist() == [
        ["[CLS]", "书", "好", "[SEP]"] + [""] * 9,
        ["[CLS]", "[SEP]"] + [""] * 11,
        ["[CLS]", *"这本书[SEP]bad", "[SEP]"],
    ]
    assert answer["tags"].tolist() == [
        ["", "name", "name", ""] + [""] * 9,
        [""] * 13,
        [""] + ["name"] * 11 + [""],
    ]
    np.testing.assert_allclose(answer["scores"].sum(axis=-1), 1, atol=1e-6)


def test_word_piece_tagger_tags_the_first_piece(tmp_path: Path) -> None:
    inputs = BertInputs([*SPECIAL, "book", "##s", "good"], 8)
    encoder = models.bert_encoder(8, 1, 1, 4, 8, 8)
    model = models.tagger(encoder, 2)
    model.get_layer("logits").bias.assign([9.0, -9.0])
    serving.export(model, inputs, tmp_path, ["yes", "no"])
    answer = serving.answers(tmp_path, ["Good books xyz"])
    assert answer["tokens"].tolist() == [
        ["[CLS]", "good", "book", "s", "xyz", "[SEP]"]
    ]
    assert answer["tags"].tolist() == [["", "yes", "yes", "", "yes", ""]]


def test_elmo_tagger(tmp_path: Path, elmo) -> None:
    inputs = ElmoInputs(8)
    model = models.tagger(elmo, 2)
    model.get_layer("logits").bias.assign([9.0, -9.0])
    serving.export(model, inputs, tmp_path, ["O", "name"])
    answer = serving.answers(tmp_path, ["in 北京 now", "", "[CLS]"])
    assert answer["tokens"].tolist() == [
        ["in", "北京", "now"],
        ["", "", ""],
        ["[CLS]", "", ""],
    ]
    assert answer["tags"].tolist() == [
        ["O", "O", "O"],
        ["", "", ""],
        ["O", "", ""],
    ]


@pytest.mark.parametrize("kind", ["bert", "elmo"])
def test_encoder_serves_every_layer(
    kind: str, tmp_path: Path, bert, elmo, characters
) -> None:
    model, inputs = {
        "bert": (bert, characters),
        "elmo": (elmo, ElmoInputs(8, split="character")),
    }[kind]
    serving.export(model, inputs, tmp_path)
    answer = serving.answers(tmp_path, TEXTS)
    expected = eagerly(model, inputs(TEXTS))
    assert len(expected["layers"]) == 3
    for i, layer in enumerate(expected["layers"]):
        np.testing.assert_allclose(answer[f"layer_{i}"], layer, atol=1e-5)
    for key in ("sequence", "pooled"):
        np.testing.assert_allclose(answer[key], expected[key], atol=1e-5)
    assert not any(key.startswith("layers") for key in answer)


def test_features_signature_takes_ids_by_name(
    tmp_path: Path, bert, characters
) -> None:
    version = serving.export(bert, characters, tmp_path)
    served = tf.saved_model.load(str(version))
    signature = served.signatures["features"]
    _, specs = signature.structured_input_signature
    assert {name: spec.dtype.name for name, spec in specs.items()} == {
        "token_ids": "int32",
        "segment_ids": "int32",
        "padding_mask": "bool",
    }
    # A batch and a length that the export never saw.
    features = characters(["好" * 5] * 7)
    np.testing.assert_allclose(
        signature(**features)["sequence"],
        eagerly(bert, features)["sequence"],
        atol=1e-5,
    )


@pytest.mark.parametrize("shape", [[], [1, 1]])
def test_request_of_another_rank_is_refused(
    shape: list[int], tmp_path: Path, bert, characters
) -> None:
    version = serving.export(bert, characters, tmp_path)
    # Past Python's own check of the signature, as a server is.
    served = tf.saved_model.load(str(version))
    graph = served.signatures["serving_default"].graph
    [placeholder] = [op for op in graph.get_operations() if op.name == "text"]
    first = {op.type for use in placeholder.outputs for op in use.consumers()}
    assert first <= {"EnsureShape", "StatefulPartitionedCall"}
    with pytest.raises((TypeError, ValueError, tf.errors.OpError)):
        served.signatures["serving_default"](text=tf.fill(shape, "a"))


def test_half_precision_is_served_as_float32(
    tmp_path: Path, characters
) -> None:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        encoder = models.bert_encoder(
            characters.vocabulary_size, 1, 2, 8, 16, 16
        )
        model = models.classifier(encoder, 2)
    finally:
        keras.config.set_dtype_policy(previous)
    serving.export(model, characters, tmp_path, ["a", "b"])
    answer = serving.answers(tmp_path, TEXTS)
    assert answer["logits"].dtype == answer["scores"].dtype == np.float32


def test_fresh_process_answers_the_same(
    tmp_path: Path, bert, characters
) -> None:
    model = models.tagger(bert, 2)
    serving.export(model, characters, tmp_path, ["O", "name"])
    here = serving.answers(tmp_path, TEXTS)
    there = serving.answers_in_fresh_process(tmp_path, TEXTS)
    assert here.keys() == there.keys()
    for key, value in here.items():
        assert value.dtype.kind == there[key].dtype.kind
        if value.dtype.kind == "U":
            assert value.tolist() == there[key].tolist()
        else:
            np.testing.assert_allclose(value, there[key], atol=1e-6)


def test_fresh_process_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    with pytest.raises(RuntimeError, match="SavedModel file does not exist"):
        serving.answers_in_fresh_process(tmp_path, ["a"])


def test_no_version_to_answer_from(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("a file")
    (tmp_path / ".unfinished-2").mkdir()
    for ask in (serving.answers, serving.answers_in_fresh_process):
        with pytest.raises(FileNotFoundError, match="`path` must be a folder"):
            ask(tmp_path, ["a"])
