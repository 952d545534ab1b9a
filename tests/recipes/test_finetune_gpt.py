"""A classifier on a GPT, trained with the loss of the next token, too."""

import json
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized
from recipe_files import RECIPES, load_recipe

from keras_ctx import convert, models, text, training

ROWS = [
    f"{a} {b}\t{'wet' if a == 'river' else 'dry'}"
    for a in ("river", "bank", "tree")
    for b in ("one", "two", "three", "four")
]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("gpt")
    encoder = models.gpt_encoder(257, 2, 2, 8, 12, max_length=16)
    training.save_model(randomized(encoder), folder / "gpt/encoder.keras")
    tokens = [*text.byte_letters(), "<|endoftext|>"]
    inputs = text.GPTInputs(tokens, [], 16, add_start=True, add_end=True)
    text.save_inputs(inputs, folder / "gpt/text_inputs.json")
    table = folder / "table.tsv"
    table.write_text("\n".join(ROWS))
    return {"init": folder / "gpt", "train": table, "test": table, "dev": table}


OPTIONS = {
    "epochs": 2,
    "batch_size": 4,
    "learning_rate": 0.02,
    "compare": False,
    "language_model_weight": 0.5,
}


@pytest.mark.slow
def test_a_run_with_both_losses(files, tmp_path) -> None:
    recipe = load_recipe("finetune_classifier")
    run = tmp_path / "run"
    recipe.main(recipe.Config(**files, **OPTIONS, output=run))
    written = json.loads((run / "results.json").read_text())["config"]
    assert written["language_model_weight"] == 0.5
    log = run / "pretrained" / "seed_1" / "metrics.jsonl"
    points = [json.loads(line) for line in log.read_text().splitlines()]
    points = [x for x in points if "next_token_loss" in x]
    assert points
    for x in points:
        total = x["logits_loss"] + 0.5 * x["next_token_loss"]
        assert x["loss"] == pytest.approx(total, rel=1e-4)
    # What is served has the logits alone.
    model = keras.saving.load_model(run / "model.keras")
    assert set(model.output) == {"logits"}
    assert convert.load_encoder(run).output["sequence"].shape[-1] == 8


def test_refused_encoders(files, tmp_path) -> None:
    folder = tmp_path / "bert"
    encoder = models.bert_encoder(20, 2, 2, 8, 12, max_length=16)
    training.save_model(encoder, folder / "encoder.keras")
    inputs = text.BertInputs([*text.SPECIAL_TOKENS, *"rive"], 16)
    text.save_inputs(inputs, folder / "text_inputs.json")
    recipe = load_recipe("finetune_classifier")
    arguments = {**files, **OPTIONS, "init": folder, "output": tmp_path / "run"}
    with pytest.warns(UserWarning, match=r"\[UNK\]"):
        with pytest.raises(ValueError, match="sees only the tokens before it"):
            recipe.main(recipe.Config(**arguments))
    assert not (tmp_path / "run").exists()
    arguments = {**files, **OPTIONS, "output": tmp_path / "run"}
    with pytest.raises(ValueError, match="or `frozen`, not both"):
        recipe.Config(**arguments, frozen=True)
    arguments["language_model_weight"] = 0.0
    with pytest.raises(ValueError, match="must be a number above 0"):
        recipe.Config(**arguments)


@pytest.mark.slow
def test_a_killed_run_ends_as_if_it_had_not_been(files, tmp_path) -> None:
    arguments = [
        *(x for key, path in files.items() for x in (f"--{key}", str(path))),
        *("--epochs", "8", "--batch-size", "2", "--no-compare"),
        *("--language-model-weight", "0.5", "--dropout", "0.2"),
    ]

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / "finetune_classifier.py")]
            + ["--output", str(output), *arguments],
            stdout=subprocess.DEVNULL,
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0
    process = start(killed)
    deadline = time.monotonic() + 600  # others may be busy here
    while not training.completed_steps(killed / "pretrained" / "seed_1"):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (killed / "results.json").exists()
    assert start(killed).wait() == 0
    weights = [
        keras.saving.load_model(folder / "model.keras").get_weights()
        for folder in (whole, killed)
    ]
    for x, y in zip(*weights, strict=True):
        np.testing.assert_array_equal(x, y)
