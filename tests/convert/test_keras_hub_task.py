"""Task presets of KerasHub, compared with its own logits; Model Garden's."""

import json
from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from bert_files import V, arrays, batch, close, config, write_json
from test_bert_garden import of_2020, write_objects
from test_bert_keras_hub import VOCABULARY, backbone, randomize

from keras_ctx import convert, text


def classifier(num_classes: int = 3, **arguments) -> keras.Model:
    models = keras_hub.models
    preprocessor = models.BertTextClassifierPreprocessor(
        models.BertTokenizer(VOCABULARY, lowercase=True), sequence_length=8
    )
    made = models.BertTextClassifier(
        backbone(), num_classes, preprocessor=preprocessor, **arguments
    )
    randomize(made)
    return made


def features() -> dict[str, np.ndarray]:
    inputs = batch()
    return {**inputs, "padding_mask": inputs["padding_mask"] * 1}


@pytest.mark.quick("file")
@pytest.mark.parametrize("form", ["preset", "file"])
def test_classifier(tmp_path: Path, form: str) -> None:
    theirs = classifier(dropout=0.3)
    folder = tmp_path / "preset"
    theirs.save_to_preset(folder)
    path = folder
    if form == "file":
        path = tmp_path / "bert.keras"
        theirs.save(path)
        text.save_vocabulary(VOCABULARY, tmp_path / "vocab.txt")
        write_json(tmp_path / "tokenizer_config.json", {"do_lower_case": True})
    found = convert.load_task_model(path)
    assert found.kind == "classification"
    assert found.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    close(found.model(batch())["logits"], theirs(features()))
    assert found.text_inputs.vocabulary == tuple(VOCABULARY)
    named = convert.load_task_model(path, labels=("a", "b", "c"))
    assert named.labels == ("a", "b", "c")
    with pytest.raises(ValueError, match='`task` must be "classification"'):
        convert.load_task_model(path, "tagging")


@pytest.mark.quick("2-*")
@pytest.mark.parametrize(
    ("rows", "activation", "kind", "turn"),
    [
        (2, "softmax", "classification", tf.nn.softmax),
        (2, "sigmoid", "multi_label", tf.nn.sigmoid),
        (1, None, "regression", lambda x: x),
    ],
)
def test_activation_of_the_logits(
    tmp_path: Path, rows: int, activation, kind: str, turn
) -> None:
    theirs = classifier(rows, activation=activation)
    theirs.save_to_preset(tmp_path)
    found = convert.load_task_model(tmp_path)
    assert found.kind == kind
    close(turn(found.model(batch())["logits"]), theirs(features()))


@pytest.mark.slow
def test_what_is_not_read_is_told_by_name(tmp_path: Path) -> None:
    masked = keras_hub.models.BertMaskedLM(backbone(), preprocessor=None)
    masked.save_to_preset(tmp_path / "masked")
    with pytest.raises(ValueError, match="BertMaskedLM.*`load_pretrainer`"):
        convert.load_task_model(tmp_path / "masked")
    folder = tmp_path / "preset"
    classifier().save_to_preset(folder)
    task = folder / "task.json"
    written = json.loads(task.read_text())
    for change, told in (
        ({"class_name": "BertTextEmbedder"}, "whose head is supported.*Embedd"),
        ({"activation": "tanh"}, "`activation` .* 'tanh'"),
        ({"activation": {"class_name": "X"}}, "`activation` of the"),
        ({"num_classes": 2**31}, "a matrix with 8 rows and a bias"),
        ({"dropout": 1.5}, "`dropout` must be"),
    ):
        content = json.loads(json.dumps(written))
        inside = content if "class_name" in change else content["config"]
        inside.update(change)
        write_json(task, content)
        with pytest.raises(ValueError, match=told):
            convert.load_task_model(folder)
    write_json(task, written)
    (folder / "task.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"task\.weights\.h5 next to"):
        convert.load_task_model(folder)


def test_classifier_of_model_garden_is_told_by_name(tmp_path: Path) -> None:
    objects = of_2020(arrays())
    objects["classifier/kernel"] = np.ones((8, 3), "float32")
    objects["optimizer/learning_rate"] = np.ones((), "float32")
    folder = write_objects(tmp_path / "bert", objects)
    write_json(folder / "bert_config.json", config())
    text.save_vocabulary(
        [*text.SPECIAL_TOKENS, *(f"w{i}" for i in range(V - 5))],
        folder / "vocab.txt",
    )
    with pytest.raises(ValueError, match="head of a task") as told:
        convert.load_task_model(folder)
    assert "classifier/kernel/.ATTRIBUTES" in str(told.value)
    assert "optimizer" not in str(told.value)
    assert "only an encoder" not in str(told.value)
