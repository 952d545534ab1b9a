"""Loading of every folder with a model; refusal of others."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from text_model.tiny_models import (
    ALL,
    INPUTS,
    TEXTS,
    encoder,
    randomized,
    same,
    text_model,
    texts_for,
)

import keras_ctx
from keras_ctx import convert, models, predictions, text
from keras_ctx.text_model.saving import FILES

pytestmark = pytest.mark.filterwarnings("ignore:`texts`. .* are longer")
NOT_OF_RECIPES = ("embedding", "encoder", "fill_mask")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    parent = tmp_path_factory.mktemp("saved")
    return {task: text_model(task).save(parent / task) for task in ALL}


@pytest.mark.quick("embedding")
@pytest.mark.parametrize("task", ALL)
def test_what_is_saved_is_loaded(task: str, folders: dict[str, Path]) -> None:
    model, again = text_model(task), keras_ctx.load(folders[task])
    assert again.task == model.task and again.labels == model.labels
    texts = texts_for(task)[:2]
    assert same(again(texts), model(texts))


@pytest.mark.quick("pair", "crf", "question_answering")
@pytest.mark.parametrize("task", [x for x in ALL if x not in NOT_OF_RECIPES])
def test_recipes_read_what_is_saved(
    task: str, folders: dict[str, Path]
) -> None:
    found = predictions.read_task(folders[task])
    assert found.kind == text_model(task).task
    assert found.labels == text_model(task).labels


def test_file_through_predict_is_as_the_text_model(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    model = text_model("classification")
    given, written = tmp_path / "texts.txt", tmp_path / "predicted.tsv"
    lines = [each for each in TEXTS if each]
    given.write_text("".join(f"{line}\n" for line in lines))
    predictions.predict_file(
        folders["classification"], given, written, lines=True
    )
    labels = [line.split("\t")[0] for line in written.read_text().splitlines()]
    assert labels == [each.label for each in model(lines)]


@pytest.mark.slow
def test_tags_through_predict_are_as_the_text_model(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    sentences = [["a", "b", "c", "d"], ["e"]]
    given, written = tmp_path / "words.conll", tmp_path / "predicted.conll"
    given.write_text("\n\n".join("\n".join(words) for words in sentences))
    for task in ("tagging", "crf"):
        predictions.predict_file(folders[task], given, written)
        found = [
            [line.split()[1] for line in block.splitlines()]
            for block in written.read_text().strip().split("\n\n")
        ]
        rows = [(words,) for words in sentences]
        asking = keras_ctx.load(folders[task])._asking
        assert found == list(asking.tags(rows, 4))


# An export takes seconds: it is checked in a process of its own.
@pytest.mark.slow
@pytest.mark.parametrize(
    "task", ["tagging", "pair", "multi_label", "regression", "embedding"]
)
def test_exported_version_answers_alike(task: str, tmp_path: Path) -> None:
    model = text_model(task)
    version = model.export(tmp_path / "served")
    texts = texts_for(task)
    expected = model(texts)
    for folder in (tmp_path / "served", version):
        served = keras_ctx.load(folder)
        assert served.task == model.task and served.labels == model.labels
        assert same(served(texts), expected)
    if task == "tagging":
        assert same(served([["a", "b"], ["c"]]), model([["a", "b"], ["c"]]))
        assert same(served.layers(["a"])[0], model.layers(["a"])[0])
    for use in (
        lambda: served.fit(["a"], ["b"]),
        lambda: served.encoder,
        lambda: served.attention(["a"]),
        lambda: served.export(tmp_path / "again"),
        lambda: served.save(tmp_path / "again"),
        served.as_keras_model,
    ):
        with pytest.raises(ValueError, match="needs the Keras model, which"):
            use()


@pytest.mark.slow
def test_exported_answers_are_the_same(tmp_path: Path) -> None:
    model = text_model("question_answering")
    model.export(tmp_path / "served")
    rows = texts_for("question_answering")[:3]
    found = keras_ctx.load(tmp_path / "served")(rows)
    for one, other in zip(found, model(rows), strict=True):
        # Scores are normalized over five best answers there, twenty here.
        assert one[:3] == other[:3]
        assert same(one.null_odds, other.null_odds, 1e-4)


@pytest.mark.slow
def test_pretraining_run_gives_vectors(tmp_path: Path) -> None:
    made = randomized(encoder())
    made.save(tmp_path / "encoder.keras")
    randomized(models.bert_pretrainer(made)).save(tmp_path / "pretrainer.keras")
    text.save_inputs(INPUTS, tmp_path / "text_inputs.json")
    (tmp_path / "settings.json").write_text('{"config": {}, "digests": {}}')
    model = keras_ctx.load(tmp_path)
    assert model.task == "embedding"
    np.testing.assert_allclose(np.linalg.norm(model(TEXTS), axis=1), 1, 1e-5)
    assert keras_ctx.load(tmp_path, "encoder").task == "encoder"
    assert len(keras_ctx.load(tmp_path, "fill_mask")(["a [MASK]"])[0]) == 1


@pytest.mark.slow
def test_checkpoints_of_others(tmp_path: Path) -> None:
    made = randomized(encoder())
    convert.save_bert(made, tmp_path / "bert")
    (tmp_path / "bert" / "vocab.txt").write_text("\n".join(INPUTS.vocabulary))
    (tmp_path / "bert" / "tokenizer_config.json").write_text(
        '{"do_lower_case": true}'
    )
    model = keras_ctx.load(tmp_path / "bert")
    assert model.task == "embedding" and model(["a b"]).shape == (1, 8)
    elmo = randomized(
        models.elmo_encoder([(1, 4), (2, 5)], 6, 4, max_characters=50)
    )
    (tmp_path / "elmo").mkdir()
    files = [tmp_path / "elmo" / x for x in ("options.json", "weights.hdf5")]
    convert.save_elmo(elmo, *files)
    model = keras_ctx.load(tmp_path / "elmo")
    assert model.task == "embedding" and model(["a b"]).shape[0] == 1


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="which does not exist"):
        keras_ctx.load(tmp_path / "nowhere")


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must hold a run .* which is empty"):
        keras_ctx.load(tmp_path)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"model.joblib": "x"}, "must hold an encoder of one of these formats"),
        ({"meta.json": "{}", "vocab": "x"}, "Received: .*'meta.json'"),
        ({"saved_model.pb": "x"}, "a SavedModel of another library"),
        (
            {"config.json": '{"model_type": "gpt2"}', "vocab.json": "{}"},
            "must be a configuration of a GPT",
        ),
        (
            {"pytorch_model.bin": "x", "config.json": "{}"},
            "must be a configuration of a BERT",
        ),
    ],
)
def test_folder_of_another_library(
    files: dict[str, str], said: str, tmp_path: Path
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=said):
        keras_ctx.load(tmp_path)


@pytest.mark.parametrize("model", [None, "model.keras", "encoder.keras"])
def test_run_that_has_not_ended(model: str | None, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"config": {}, "digests": {}}')
    if model:
        encoder().save(tmp_path / model)
    with pytest.raises(ValueError, match="a finished run"):
        keras_ctx.load(tmp_path)


@pytest.mark.parametrize("file", ["task.json", "settings.json"])
def test_run_of_a_later_version(
    file: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    for path in folders["classification"].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    written = {
        "task.json": {"task": "classification", "library": "99.1.0"},
        "settings.json": {"digests": {"library": "99.1.0"}},
    }
    (tmp_path / file).write_text(json.dumps(written[file]))
    here = re.escape(keras_ctx.__version__)
    with pytest.raises(ValueError, match=rf"{here} or an earlier.*99\.1\.0"):
        keras_ctx.load(tmp_path)


def test_exported_version_of_a_later_library(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"x")
    card = {"task": "classify", "versions": {"keras_ctx": "99.0"}}
    (tmp_path / "1" / "signature.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=r"or an earlier version.*99\.0"):
        keras_ctx.load(tmp_path)


def test_task_of_a_later_library(tmp_path: Path) -> None:
    text_model("classification").save(tmp_path)
    (tmp_path / "task.json").write_text('{"task": "translation"}')
    with pytest.raises(ValueError, match="Received: 'translation'"):
        keras_ctx.load(tmp_path)


def test_task_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`task` must be None, or one of"):
        keras_ctx.load(tmp_path, "classification")


def test_save_does_not_mix_models(tmp_path: Path) -> None:
    text_model("encoder").save(tmp_path)
    with pytest.raises(ValueError, match="no model of another kind"):
        text_model("classification").save(tmp_path)
    assert isinstance(keras_ctx.load(tmp_path).model, keras.Model)
    assert set(FILES) < set(NOT_OF_RECIPES)
