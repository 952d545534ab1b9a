"""Recipes on a full disk: one message, no signal, nothing lost."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contracts.random_weights import randomized

from keras_ctx import models, text, training

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["<S>", "</S>", "<UNK>", "the", "river", "bank", "is", "on"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
FULL = "No space left on device"
ROOM = "Make room, and start the same command again."


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk of one's own must be mounted: {error}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    lines = (
        " ".join(WORDS[3 + (k * j) % 5] for j in range(1, 6))
        for k in range(400)
    )
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elmo")
    encoder = models.elmo_encoder([(1, 4), (2, 5)], 6, 4, max_characters=8)
    training.save_model(encoder, folder / "encoder.keras")
    model = randomized(models.elmo_language_model(encoder, len(WORDS)))
    training.save_model(model, folder / "language_model.keras")
    text.save_inputs(text.ElmoInputs(8), folder / "text_inputs.json")
    text.save_vocabulary(WORDS, folder / "words.txt")
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    encoder = models.bert_encoder(10, 1, 2, 8, 12, max_length=16)
    model = randomized(models.classifier(encoder, 2))
    training.save_model(model, folder / "model.keras")
    inputs = text.BertInputs([*SPECIAL, *WORDS[3:]], 16)
    text.save_inputs(inputs, folder / "text_inputs.json")
    text.save_vocabulary(["bad", "good"], folder / "labels.txt")
    training.save_json({"task": "classification"}, folder / "task.json")
    return folder


def run(recipe: str, *arguments, stdout: Any = subprocess.DEVNULL):
    return subprocess.run(
        [
            *(sys.executable, ROOT / "recipes" / f"{recipe}.py"),
            *map(str, arguments),
        ],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def check(ended: subprocess.CompletedProcess, recipe: str, named: str) -> None:
    assert ended.returncode == 1, ended.stderr
    lines = [x for x in ended.stderr.splitlines() if recipe in x or FULL in x]
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith(f"{recipe}.py: {FULL}")
    assert ROOM in lines[0] and named in lines[0]
    assert "Traceback" not in ended.stderr


def grow(disk: Path) -> None:
    command = ["mount", "-o", "remount,size=16m", str(disk)]
    subprocess.run(command, check=True)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow  # four processes
@pytest.mark.parametrize("form", ["hdf5", "npz", "allennlp"])
def test_embed_corpus(
    form: str, disk: Path, corpus: Path, language_model: Path, tmp_path: Path
) -> None:
    def embed(output: Path):
        return run(
            "embed_corpus",
            *("--init", language_model, "--corpus", corpus, "--window", 30),
            *("--output", output, "--format", form),
        )

    assert embed(tmp_path / "whole").returncode == 0
    ended = embed(disk / "out")
    check(ended, "embed_corpus", "out")
    there = content(disk / "out")
    shards = [name for name in there if name.startswith("vectors-")]
    if form != "npz":  # written twice, so that not even one may fit
        assert shards
    expected = content(tmp_path / "whole")
    # Existing files are complete.
    assert all(there[name] == expected[name] for name in shards)
    grow(disk)
    assert embed(disk / "out").returncode == 0
    assert content(disk / "out") == expected


@pytest.mark.slow  # two processes
def test_predict(disk: Path, corpus: Path, classifier: Path) -> None:
    output = disk / "predictions.tsv"
    output.write_text("of an earlier run")
    (disk / "other").write_bytes(bytes(52 << 10))

    def predict():
        return run(
            "predict",
            *("--model", classifier, "--input", corpus, "--output", output),
        )

    check(predict(), "predict", output.name)
    assert output.read_text() == "of an earlier run"
    assert {path.name for path in disk.iterdir()} == {"other", output.name}
    grow(disk)
    assert predict().returncode == 0
    assert output.stat().st_size > 1000


@pytest.mark.slow  # two processes
def test_score_corpus(disk: Path, corpus: Path, language_model: Path) -> None:
    output = disk / "scores.jsonl"
    output.write_text("of an earlier run")

    def score():
        return run(
            "score_corpus",
            *("--init", language_model, "--corpus", corpus),
            *("--output", output, "--per-word"),
        )

    check(score(), "score_corpus", output.name)
    assert output.read_text() == "of an earlier run"
    assert [path.name for path in disk.iterdir()] == [output.name]
    grow(disk)
    assert score().returncode == 0
    lines = output.read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == list(range(1, 401))


@pytest.mark.slow  # two processes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_standard_output_that_is_full(
    corpus: Path, classifier: Path, tmp_path: Path
) -> None:
    # More than fits into a buffer; and less, which is written at exit.
    short = tmp_path / "short.txt"
    short.write_text("the river\n")
    for lines in (corpus, short):
        with open("/dev/full", "w") as full:
            ended = run(
                "predict", "--model", classifier, "--input", lines, stdout=full
            )
        check(ended, "predict", "")
