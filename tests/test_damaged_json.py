"""JSON files that a run rereads: errors name damaged or foreign ones."""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_ctx import data, training
from keras_ctx.data.records.document_parts import read_part, write_parts
from keras_ctx.data.tables.label_sets import split_labels
from keras_ctx.data.tables.text_tasks import MultiLabel
from keras_ctx.files.json_text import load_object_file, read_figures_file
from keras_ctx.serving.export.model_to_export import object_in
from keras_ctx.training.distribution.workers import workers
from keras_ctx.training.run import results as run_results
from keras_ctx.training.run.checkpoints import completed_steps

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "recipes"))

import quickstart  # noqa: E402  # pyright: ignore

DAMAGED = ['{"a": 1,', "", "[" * 100_000, '{"a": 1} {"b": 2}', "[1, 2]", '"x"']


READERS = {
    "any.json": lambda path: load_object_file(path),
    "figures.json": lambda path: read_figures_file(path, "loss"),
    "results.json": lambda path: run_results.ended_run(path.parent),
    "results.json ": lambda path: run_results.seconds_before(path.parent),
    "settings.json": lambda path: training.begin_run(path.parent, {"a": 1}),
    "scores.json": lambda path: training.over_seeds(
        lambda seed, folder: {"a": 1.0}, [0], path.parents[1]
    ),
    "quickstart.json": quickstart.results_of,
    "task.json": object_in,
}


@pytest.mark.parametrize("content", DAMAGED, ids=lambda text: text[:9])
@pytest.mark.parametrize("name", READERS)
def test_a_file_is_named(name: str, content: str, tmp_path: Path) -> None:
    folder = tmp_path / "seed_0"
    folder.mkdir()
    path = folder / name.strip()
    path.write_text(content)
    with pytest.raises(ValueError, match=path.name) as caught:
        READERS[name](path)
    assert not isinstance(caught.value, json.JSONDecodeError | UnicodeError)


def test_the_place_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1,\n "b": }')
    with pytest.raises(ValueError, match=r"a\.json: .* line 2 column 7"):
        load_object_file(path)


@pytest.mark.parametrize(
    "line",
    [
        *(b'{"step"', b"[1]", b"5", b"\xff", b"null", b'{"step": 2}'),
        *(b'{"seconds": 2}', b'{"step": "2", "seconds": 2}'),
    ],
)
def test_figures_of_a_run(line: bytes, tmp_path: Path) -> None:
    whole = b'{"step": 1, "seconds": 1.5}\n'
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(whole + line + b"\n" + whole)
    with pytest.raises(ValueError, match=r"metrics\.jsonl, line 2: "):
        training.read_metrics(tmp_path)
    path.write_bytes(whole + whole)  # following the advice
    assert [x["step"] for x in training.read_metrics(tmp_path)] == [1, 1]


@pytest.mark.parametrize("line", [b'["a"', b"\xff", b'{"a": 1}', b"[1]"])
def test_documents_of_a_part(line: bytes, tmp_path: Path) -> None:
    write_parts([["A."], ["B."]], tmp_path, num_parts=1)
    path = tmp_path / "part-00000.jsonl"
    assert list(read_part(tmp_path, 0)) == [["A."], ["B."]]
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(ValueError, match=r"part-00000\.jsonl, line 3: "):
        list(read_part(tmp_path, 0))


@pytest.mark.parametrize(
    "metadata", [None, {}, {"position": "{"}, {"position": '{"stop": 1}'}]
)
def test_a_checkpoint_of_something_else(metadata, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    path = folder / "step_00000001.safetensors"
    save_file({"a": np.ones(1, "float32")}, path, metadata)
    with pytest.raises(ValueError, match=r"step_00000001.* `position`"):
        completed_steps(tmp_path)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"cluster": 1}'])
def test_workers(text: str, monkeypatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="`TF_CONFIG` must be set"):
        workers()


@pytest.mark.parametrize("text", ["[" * 9999 + "]" * 9999, '["a", ]b]', "[{]"])
def test_lists_of_labels(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="list of labels"):
        split_labels(text)
    path = tmp_path / "train.tsv"
    path.write_text(f'text\tlabel\na\t["x"]\nb\t{text}\n')
    with pytest.raises(ValueError, match=r"train\.tsv, line 3"):
        rows = {"train": data.read_labelled_texts(path, ("text", "label"))}
        MultiLabel.of(rows)


def test_history_of_scores(tmp_path: Path) -> None:
    score = training.DevelopmentScore(lambda: 0.0, "accuracy", tmp_path)
    score.set_model(keras.Sequential([keras.Input((1,))]))
    path = tmp_path / "development_accuracy.json"
    for content in DAMAGED:
        path.write_text(content)
        with pytest.raises(ValueError, match=r"development_accuracy\.json"):
            score.on_train_begin()
