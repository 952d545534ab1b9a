"""Recipes on two devices and two workers: curves, scores and weights equal
those of one device."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from worker_processes import ROOT, start_workers

from keras_ctx import models, text, training

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["ann", "bob", "went", "to", "rome", "paris", "who", "where", "?", "."]
FILES = {
    "pretrain_elmo": "language_model",
    "pretrain_gpt": "language_model",
    "pretrain_cove": "translator",
    "train_translator": "translator",
}
SCRIPT = Path(__file__).with_name("recipes_on_devices.py")


def write_data(folder: Path) -> None:
    inputs = text.BertInputs([*SPECIAL, *WORDS], 16)
    encoder = models.bert_encoder(
        *(inputs.vocabulary_size, 1, 2, 32, 64, 16),
        dropout=0.0,
        attention_dropout=0.0,
        initializer_range=0.2,
    )
    training.save_model(encoder, folder / "encoder/encoder.keras")
    text.save_inputs(inputs, folder / "encoder" / "text_inputs.json")
    sentences = [
        f"{name} went to {place} {'. ' * dots}".strip()
        for name in ("ann", "bob")
        for place in ("rome", "paris")
        for dots in (0, 1, 4)
    ]
    # Two classes, one of them rare; 24 lines are four batches.
    (folder / "finetune_classifier.tsv").write_text(
        "".join(
            f"{line}\t{'rare' if 'paris . .' in line else 'usual'}\n"
            for line in 2 * sentences
        )
    )
    tags = {"ann": "B-PER", "bob": "B-PER", "rome": "B-LOC", "paris": "B-LOC"}
    (folder / "finetune_tagger.conll").write_text(
        "\n".join(
            "".join(f"{word} {tags.get(word, 'O')}\n" for word in line.split())
            for line in 2 * sentences
        )
    )
    (folder / "train_embedder.tsv").write_text(
        "".join(
            f"{line}\t{line} .\t{other}\n"
            for line in sentences
            for other in sentences[::4]
            if other.split()[:4] != line.split()[:4]
        )
    )
    for name in FILES:
        (folder / f"{name}.txt").write_text("\n".join(sentences))
    (folder / "finetune_semantic_roles.jsonl").write_text(
        "".join(
            json.dumps(
                {
                    "sent_id": str(number),
                    "words": line.split(),
                    "predicate": 1,
                    "arguments": [[0, 1, "ARG0"], [3, 4, "ARG1"]],
                }
            )
            + "\n"
            for number, line in enumerate(2 * sentences)
        )
    )
    paragraphs = [
        {
            "context": line,
            "qas": [
                {
                    "id": f"{asked} {number}",
                    "question": f"{asked} ?",
                    "answers": [
                        {"text": word, "answer_start": line.index(word)}
                    ],
                }
                for asked, word in (
                    ("who", line.split()[0]),
                    ("where", line.split()[3]),
                )
            ],
        }
        for number, line in enumerate(sentences)
    ]
    articles = [{"title": "all", "paragraphs": paragraphs}]
    (folder / "finetune_squad.json").write_text(
        json.dumps({"version": "x", "data": articles})
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finetune")
    write_data(folder)
    return folder


def run_all(folder: Path, name: str) -> None:
    """Runs on one device, on two, and as two workers."""
    workers = start_workers(
        2, lambda index: [SCRIPT, folder, name, folder / f"{index}.json"]
    )
    run_on_one_and_two(folder, name)
    assert [worker.wait(timeout=200) for worker in workers] == [0, 0]
    assert_equal(folder, name, "two")
    assert_equal(folder, name, "workers")


def run_on_one_and_two(folder: Path, name: str) -> None:
    subprocess.run(
        [sys.executable, SCRIPT, folder, name],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def epochs(run: Path) -> list[dict[str, float]]:
    folder = next(run.rglob("metrics.jsonl")).parent
    return [
        {key: value for key, value in line.items() if key != "seconds"}
        for line in training.read_metrics(folder)
        if "epoch" in line
    ]


def assert_equal(folder: Path, name: str, several: str) -> None:
    one, other = (folder / devices / name for devices in ("one", several))
    curves = [epochs(run) for run in (one, other)]
    assert len(curves[0]) >= 2
    for found, expected in zip(*reversed(curves), strict=True):
        assert found == pytest.approx(expected, abs=1e-4)
    expected, found = (
        json.loads((run / "results.json").read_text())["results"]
        for run in (one, other)
    )
    del expected["seconds"], found["seconds"]
    assert found.pop("bleu_signature", "") == expected.pop("bleu_signature", "")
    assert keras.tree.flatten(found) == pytest.approx(
        keras.tree.flatten(expected), abs=1e-4
    )
    # The model has learned something.
    first, *_, last = (each["loss"] for each in curves[0])
    assert last < 0.9 * first
    file = FILES.get(name, "model")
    ours, theirs = (
        keras.saving.load_model(run / f"{file}.keras", compile=False)
        for run in (other, one)
    )
    for weight, expected in zip(ours.weights, theirs.weights, strict=True):
        # The softmax takes no notice of this bias: its gradient is rounding,
        # which Adam, with the epsilon of 1e-9 of translators, makes steps of.
        if name == "train_translator" and weight.path.endswith("key/bias"):
            continue
        np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_classifier_on_two_devices_and_as_two_workers(folder: Path) -> None:
    run_all(folder, "finetune_classifier")
    # One of them writes.
    first, second = (
        json.loads((folder / f"{index}.json").read_text()) for index in (0, 1)
    )
    assert {Path(path).name for path in first} >= {
        *("results.json", "model.keras", "predictions.tsv", "scores.json"),
        *("settings.json", "development_accuracy.json", "metrics.jsonl"),
    }
    assert second == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("finetune_tagger", "finetune_squad", "finetune_semantic_roles"),
        *("train_embedder", "pretrain_cove"),
    ],
)
def test_two_devices(name: str, folder: Path) -> None:
    run_on_one_and_two(folder, name)
    assert_equal(folder, name, "two")


@pytest.mark.slow
def test_elmo_on_two_devices_and_as_two_workers(folder: Path) -> None:
    """Each device carries the states of its own rows."""
    run_all(folder, "pretrain_elmo")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pretrain_gpt", "train_translator"])
def test_writers_on_two_devices_and_as_two_workers(
    name: str, folder: Path
) -> None:
    run_all(folder, name)
