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
SENTIMENTS = ["bad", "so so", "很好"]


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


@pytest.fixture(scope="module")
def sentiment(bert: keras.Model) -> keras.Model:
    return models.classifier(bert, 3, mix="scalar_mix")


@pytest.fixture(scope="module")
def sentiment_version(
    sentiment, characters, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("exports") / "sentiment"
    return serving.export(sentiment, characters, path, SENTIMENTS)


@pytest.fixture(scope="module")
def encoder_version(
    bert, characters, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return serving.export(bert, characters, tmp_path_factory.mktemp("bert"))


def eagerly(model: keras.Model, features: dict) -> dict:
    return model(features, training=False)


def test_classifier(sentiment, sentiment_version: Path, characters) -> None:
    assert sentiment_version.name == "1"
    answer = serving.answers(sentiment_version.parent, TEXTS)
    assert sorted(answer) == ["label", "logits", "scores"]
    logits = eagerly(sentiment, characters(TEXTS))["logits"].numpy()
    np.testing.assert_allclose(answer["logits"], logits, atol=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answer["scores"], shares, atol=1e-5)
    best = [SENTIMENTS[row.argmax()] for row in logits]
    assert answer["label"].tolist() == best
    assert answer["scores"].dtype == np.float32

    # One text alone is padded less, and must get the same answer.
    alone = serving.answers(sentiment_version.parent, TEXTS[:1])
    np.testing.assert_allclose(alone["logits"], logits[:1], atol=1e-5)


def test_labels_can_be_read_again(sentiment_version: Path) -> None:
    written = sentiment_version / "assets" / "labels.txt"
    assert written.read_bytes() == "bad\nso so\n很好\n".encode()


def test_without_labels(tmp_path: Path, sentiment, characters) -> None:
    version = serving.export(sentiment, characters, tmp_path)
    assert not (version / "assets" / "labels.txt").exists()
    assert sorted(serving.answers(tmp_path, TEXTS)) == ["logits"]


def test_character_tagger_in_a_fresh_process(
    tmp_path: Path, bert, characters
) -> None:
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

    there = serving.answers_in_fresh_process(tmp_path, TEXTS)
    assert answer.keys() == there.keys()
    for key, value in answer.items():
        assert value.dtype == there[key].dtype
        if value.dtype.kind == "U":
            assert value.tolist() == there[key].tolist()
        else:
            np.testing.assert_allclose(value, there[key], atol=1e-6)


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
    model = models.tagger(elmo, 2)
    model.get_layer("logits").bias.assign([9.0, -9.0])
    serving.export(model, ElmoInputs(8), tmp_path, ["O", "name"])
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


def check_every_layer(
    model: keras.Model, inputs: BertInputs | ElmoInputs, path: Path
) -> None:
    answer = serving.answers(path, TEXTS)
    expected = eagerly(model, inputs(TEXTS))
    assert len(expected["layers"]) == 3
    for i, layer in enumerate(expected["layers"]):
        np.testing.assert_allclose(answer[f"layer_{i}"], layer, atol=1e-5)
    for key in ("sequence", "pooled"):
        np.testing.assert_allclose(answer[key], expected[key], atol=1e-5)
    assert "layers" not in answer


def test_bert_serves_every_layer(
    bert, characters, encoder_version: Path
) -> None:
    check_every_layer(bert, characters, encoder_version.parent)


def test_elmo_serves_every_layer(elmo, tmp_path: Path) -> None:
    inputs = ElmoInputs(8, split="character")
    serving.export(elmo, inputs, tmp_path)
    check_every_layer(elmo, inputs, tmp_path)


def test_features_signature_takes_ids_by_name(
    bert, characters, encoder_version: Path
) -> None:
    served = tf.saved_model.load(str(encoder_version))
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


def first_ops(functions: dict, name: str, argument: int) -> set[str]:
    """The ops that an argument of a graph function meets first."""
    function = functions[name]
    wire = function.signature.input_arg[argument].name
    ops: set[str] = set()
    for node in function.node_def:
        for position, source in enumerate(node.input):
            if source.partition(":")[0] == wire:
                if "f" in node.attr:
                    inner = node.attr["f"].func.name
                    ops |= first_ops(functions, inner, position)
                else:
                    ops.add(node.op)
    return ops


def test_rank_of_a_request_is_checked_first(encoder_version: Path) -> None:
    # Python refuses another rank before the graph runs; a server does not,
    # and a single string would end its process inside the tokenizer.
    served = tf.saved_model.load(str(encoder_version))
    signature = served.signatures["serving_default"]
    graph = signature.graph.as_graph_def()
    functions = {f.signature.name: f for f in graph.library.function}
    [call] = [
        node.attr["f"].func.name
        for node in graph.node
        if "f" in node.attr and "text" in node.input
    ]
    assert first_ops(functions, call, 0) == {"EnsureShape"}


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
