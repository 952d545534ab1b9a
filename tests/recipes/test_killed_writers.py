"""A GPT and translators, killed again and again: the same weights."""

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

from keras_ctx import training

WORDS = "one two three four dog cat house tree river bank".split()
SIZES = [
    *("--vocabulary-size", "290", "--max-length", "16", "--num-layers", "1"),
    *("--hidden-dim", "16", "--dropout", "0.1"),
    *("--epochs", "6", "--steps-per-epoch", "12"),
]


def write_texts(folder: Path) -> dict[str, list[str]]:
    draw = random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=5)) for _ in range(300)]
    (folder / "a.txt").write_text("\n".join(texts))
    (folder / "b.txt").write_text("\n".join(texts).upper())
    pair = [str(folder / name) for name in ("a.txt", "b.txt")]
    return {
        "pretrain_gpt": [
            *("--corpus", pair[0], "--batch-size", "4", "--num-heads", "2"),
        ],
        "train_translator": [
            *("--train", *pair, "--dev", *pair, "--tokens-per-batch", "64"),
            *("--intermediate-dim", "32", "--warmup-steps", "9"),
            *("--average-checkpoints", "3", "--num-heads", "2"),
        ],
        "pretrain_cove": [
            *("--train", *pair, "--dev", *pair, "--tokens-per-batch", "64"),
            *("--optimizer", "sgd"),
        ],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("pretrain_gpt", "language_model.keras"),
        ("train_translator", "translator.keras"),
        ("pretrain_cove", "translator.keras"),
    ],
)
def test_killed_at_random(name: str, file: str, tmp_path: Path) -> None:
    options = [*write_texts(tmp_path)[name], *SIZES]
    if name != "pretrain_gpt":
        options[options.index("290")] = "60"

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / f"{name}.py"), *options]
            + ["--output", str(output)],
            stdout=subprocess.DEVNULL,
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0
    draw = random.Random(name)
    for _ in range(4):
        before = training.completed_steps(killed) if killed.exists() else 0
        process = start(killed)
        deadline = time.monotonic() + 120
        while training.completed_steps(killed) == before:
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
        keras.saving.load_model(folder / file, compile=False).get_weights()
        for folder in (whole, killed)
    ]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
    results = json.loads((killed / "results.json").read_text())["results"]
    # The seconds of all starts, not of the last one alone.
    assert results["seconds"] > training.read_metrics(killed)[-1]["seconds"]
    assert (
        training.read_metrics(whole)[-1]["loss"]
        == (training.read_metrics(killed)[-1]["loss"])
    )
