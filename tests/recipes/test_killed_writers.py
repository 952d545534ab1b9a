"""Trainings of each kind, killed again and again: the same weights."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from recipe_files import RECIPES

from keras_ctx import models, text, training

WORDS = "one two three four dog cat house tree river bank".split()
SIZES = [
    *("--vocabulary-size", "290", "--max-length", "16", "--num-layers", "1"),
    *("--hidden-dim", "16", "--dropout", "0.1"),
    *("--epochs", "6", "--steps-per-epoch", "12"),
]
FILES = {
    "pretrain_gpt": "language_model.keras",
    "pretrain_ulmfit": "language_model.keras",
    "train_translator": "translator.keras",
    "pretrain_cove": "translator.keras",
    "finetune_classifier": "model.keras",
}
# Where the checkpoints are.
RUNS = {"finetune_classifier": "pretrained/seed_1"}


def write_encoder(folder: Path) -> list[str]:
    """Writes an AWD-LSTM and labelled texts for three stages of two epochs."""
    tokens = text.ulmfit_vocabulary([" ".join(WORDS)], min_count=1)
    encoder = models.awd_lstm_encoder(len(tokens), 6, 8, 2)
    training.save_model(encoder, folder / "encoder.keras")
    text.save_inputs(text.ULMFiTInputs(tokens), folder / "text_inputs.json")
    draw = random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=9)) for _ in range(48)]
    rows = [f"{x}\t{'ab'['dog' in x]}\n" for x in texts]
    (folder / "rows.tsv").write_text("".join(rows))
    return [
        *("--init", str(folder), "--ulmfit", "scripts", "--bptt", "3"),
        *("--num-windows", "2", "--batch-size", "4", "--no-compare"),
        *("--train", str(folder / "rows.tsv"), "--epochs", "6"),
        *("--test", str(folder / "rows.tsv")),
    ]


def write_texts(folder: Path) -> dict[str, list[str]]:
    draw = random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=5)) for _ in range(300)]
    (folder / "a.txt").write_text("\n".join(texts))
    (folder / "b.txt").write_text("\n".join(texts).upper())
    pair = [str(folder / name) for name in ("a.txt", "b.txt")]
    return {
        "pretrain_gpt": [
            *SIZES,
            *("--corpus", pair[0], "--batch-size", "4", "--num-heads", "2"),
        ],
        "pretrain_ulmfit": [
            *("--corpus", pair[0], "--split", "words", "--batch-size", "4"),
            *("--embedding-dim", "8", "--hidden-dim", "8", "--bptt", "8"),
            *("--epochs", "6", "--steps-per-epoch", "12"),
            *("--checkpoint-steps", "5"),
        ],
        "finetune_classifier": write_encoder(folder),
        "train_translator": [
            *SIZES,
            *("--train", *pair, "--dev", *pair, "--tokens-per-batch", "64"),
            *("--intermediate-dim", "32", "--warmup-steps", "9"),
            *("--average-checkpoints", "3", "--num-heads", "2"),
        ],
        "pretrain_cove": [
            *SIZES,
            *("--train", *pair, "--dev", *pair, "--tokens-per-batch", "64"),
            *("--optimizer", "sgd"),
        ],
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_killed_at_random(name: str, tmp_path: Path) -> None:
    options = write_texts(tmp_path)[name]
    if name in ("train_translator", "pretrain_cove"):
        options[options.index("290")] = "60"

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / f"{name}.py"), *options]
            + ["--output", str(output)],
            stdout=subprocess.DEVNULL,
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run = killed / RUNS.get(name, ".")
    assert start(whole).wait() == 0
    draw = random.Random(name)
    for _ in range(4):
        before = training.completed_steps(run) if run.exists() else 0
        process = start(killed)
        deadline = time.monotonic() + 300
        while training.completed_steps(run) == before:
            assert time.monotonic() < deadline
            if process.poll() is not None:
                break
            time.sleep(0.01)
        time.sleep(draw.random() * 0.5)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert start(killed).wait() == 0
    weights = [
        keras.saving.load_model(
            folder / FILES[name], compile=False
        ).get_weights()
        for folder in (whole, killed)
    ]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
    logs = [
        training.read_metrics(folder / RUNS.get(name, "."))[-1]
        for folder in (whole, killed)
    ]
    assert logs[0]["loss"] == logs[1]["loss"]
    if name not in RUNS:
        results = json.loads((killed / "results.json").read_text())["results"]
        # The seconds of all starts, not of the last one alone.
        assert results["seconds"] > logs[1]["seconds"]
