"""Text inputs in files, and in graphs that are read without this library."""

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf

from keras_ctx.text import (
    SPECIAL_TOKENS,
    BertInputs,
    ElmoInputs,
    inputs_from_config,
    load_inputs,
    save_inputs,
)

TOKENS = [*SPECIAL_TOKENS, "good", "book", "##s", "好", "书", "é"]
TEXTS = ["Good books é", "", "é" * 101 + " 好书 \x07[MASK]"]
READER = """
import json, sys
import tensorflow as tf, tensorflow_text
path, texts = sys.argv[1], json.loads(sys.argv[2])
loaded, answers = tf.saved_model.load(path), {}
for name, signature in loaded.signatures.items():
    features = signature(text=tf.constant(texts))
    answers[name] = {k: v.numpy().tolist() for k, v in features.items()}
assert "keras_ctx" not in sys.modules
print(json.dumps(answers))
"""


def make(name: str) -> Any:
    if name == "elmo_words":
        return ElmoInputs(9, max_length=2)
    if name == "elmo_characters":
        return ElmoInputs(9, split="character")
    if name == "special_tokens":
        return BertInputs(TOKENS, 12, special_tokens_in_text=True)
    return BertInputs(TOKENS, 12, split=name)


NAMES = [
    "wordpiece",
    "character",
    "special_tokens",
    "elmo_words",
    "elmo_characters",
]


@pytest.mark.parametrize("name", NAMES)
def test_round_trip(name: str, tmp_path: Path) -> None:
    inputs, path = make(name), tmp_path / "inputs.json"
    save_inputs(inputs, path)
    loaded = load_inputs(path)
    assert type(loaded) is type(inputs)
    assert loaded.get_config() == inputs.get_config()
    assert list(tmp_path.iterdir()) == [path]
    for key, value in inputs(TEXTS).items():
        assert (loaded(TEXTS)[key].numpy() == value.numpy()).all()


def test_the_file_can_be_read_by_people(tmp_path: Path) -> None:
    save_inputs(make("wordpiece"), tmp_path / "inputs.json")
    text = (tmp_path / "inputs.json").read_text(encoding="utf-8")
    assert json.loads(text)["class"] == "BertInputs" and "书" in text


def test_other_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`inputs` must be one of BertInputs"):
        save_inputs(
            "inputs",  # pyright: ignore[reportArgumentType]
            tmp_path / "inputs.json",
        )


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"class": "Other", "config": {}}', "\udcff"]
)
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "inputs.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="`path` must be a file written by"):
        load_inputs(path)


def test_a_class_that_is_not_imported_is_named(tmp_path: Path) -> None:
    said = "'MyInputs', which is not registered. Import the module"
    saved = {"class": "MyInputs", "config": {}}
    with pytest.raises(ValueError, match=said):
        inputs_from_config(saved)  # as in a .keras file with a `TextLayer`
    (tmp_path / "inputs.json").write_text(json.dumps(saved))
    with pytest.raises(ValueError, match=f"(?s)inputs.json.*{said}"):
        load_inputs(tmp_path / "inputs.json")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_inputs(tmp_path / "inputs.json")


@pytest.mark.slow
def test_exported_graphs_need_nothing_of_ours(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = [tf.TensorSpec([None], tf.string, name="text")]
    expected: dict[str, Any] = {}
    every = {name: make(name) for name in NAMES}
    for name, inputs in every.items():
        features = inputs(TEXTS).items()
        expected[name] = {k: v.numpy().tolist() for k, v in features}
        archive.add_endpoint(name, inputs, signature)
        del inputs
    path = tmp_path / "export"
    archive.write_out(str(path), verbose=False)
    del every, archive, model
    gc.collect()
    # -I hides our package, in this folder and the environment.
    finished = subprocess.run(
        [sys.executable, "-I", "-c", READER, str(path), json.dumps(TEXTS)],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    answers = json.loads(finished.stdout.splitlines()[-1])
    # The first endpoint is also the default one.
    assert answers.pop("serving_default") == expected[NAMES[0]]
    assert answers == expected
    graph = (path / "saved_model.pb").read_bytes()
    # Missing in TF Serving 2.12 to 2.19; missing in servers; needs tracking.
    for op in (b"RoundRobin", b"Utf8Binarize", b"PyFunc", b"HashTable"):
        assert op not in graph
