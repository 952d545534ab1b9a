"""Every recipe, on a user's files at toy size."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from recipe_files import ELMO, RECIPES, load_recipe

from keras_ctx import data, training

# A few steps of tiny models, to check that the parts fit.
BERT = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "pair_length": 24}
EXTRA = {
    "bert": ["pretrainer.keras"],
    "elmo": ["language_model.keras", "words.txt"],
}


# Each is a training and an export.
HEADS: list[tuple[str, dict]] = [
    ("finetune_classifier", {}),
    ("finetune_tagger", {}),
    ("finetune_tagger", {"crf": True, "mix_l2": 0.001}),
]


@pytest.mark.parametrize(
    ("encoder", "heads"),
    [
        ("bert", HEADS[:1]),
        pytest.param("bert", HEADS[1:], marks=pytest.mark.slow),
        pytest.param("elmo", HEADS, marks=pytest.mark.slow),
    ],
)
def test_pretrain_finetune_export(
    encoder: str,
    heads: list[tuple[str, dict]],
    tmp_path: Path,
    corpus: Path,
    reviews: Path,
    entities: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    pretrain = load_recipe(f"pretrain_{encoder}")
    folder = tmp_path / encoder
    results = pretrain.main(
        pretrain.Config(
            corpus=corpus,
            output=folder,
            batch_size=4,
            epochs=2,
            steps_per_epoch=2,
            **(BERT if encoder == "bert" else ELMO),
        )
    )
    assert np.isfinite(results["loss"])
    assert not (folder / "checkpoints").exists()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["encoder.keras", "metrics.jsonl", "results.json", "settings.json"]
        + ["tensorboard", "text_inputs.json"]
        + EXTRA[encoder]
    )
    for recipe, extra in heads:
        labelled = reviews if recipe == "finetune_classifier" else entities
        finetune = load_recipe(recipe)
        name = f"{recipe}_crf" if extra else recipe
        output = tmp_path / name
        scores = finetune.main(
            finetune.Config(
                init=folder,
                train=labelled,
                test=labelled,
                output=output,
                max_length=24,
                batch_size=8,
                # Twice over the same sixteen sentences: enough for a score.
                epochs=12,
                learning_rate=0.02,
                compare=False,
                **extra,
            )
        )
        # The files are memorized, so wrong vectors or misplaced labels would
        # show.
        assert scores["pretrained"] > 0.9, name
        if recipe == "finetune_tagger":
            found = scores["scores_pretrained"]
            shares = [v["mean"] for k, v in found.items() if "share_" in k]
            assert len(shares) == (2 if encoder == "bert" else 3)
            assert sum(shares) == pytest.approx(1)
            written = json.loads((output / "results.json").read_text("utf-8"))
            assert written["results"]["scores_pretrained"] == found
        export = load_recipe("export_saved_model")
        exported = export.main(
            export.Config(model=output, output=tmp_path / "saved" / name)
        )
        assert exported["difference"] < 1e-5
        assert Path(exported["saved_model"]).name == "1"


def test_finetune_needs_both_files(reviews: Path) -> None:
    for name in ("finetune_classifier", "finetune_tagger"):
        with pytest.raises(ValueError, match="`train` and `test`"):
            load_recipe(name).Config(train=reviews)


def test_penalty_needs_a_mixture() -> None:
    with pytest.raises(ValueError, match="`mix_l2` needs .* mix='last'"):
        load_recipe("finetune_tagger").Config(mix="last", mix_l2=0.001)


def test_tagger_scores_exact_spans_only() -> None:
    score = data.strict_f1
    true = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "I-ORG"]]
    assert score(true, true) == 1.0
    # One of three names right, one with a wrong end, one with a wrong type:
    # precision 1/3, recall 1/3.
    wrong = [["B-PER", "O", "O", "B-LOC"], ["B-LOC", "I-LOC"]]
    assert score(true, wrong) == pytest.approx(1 / 3)
    # What was cut off counts as "O": precision 1, recall 1/3.
    assert score(true, [["B-PER", "I-PER"], []]) == pytest.approx(0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoder", ["bert", pytest.param("elmo", marks=pytest.mark.slow)]
)
def test_a_killed_run_ends_as_if_it_had_not_been(
    encoder: str, tmp_path: Path, corpus: Path
) -> None:
    sizes = BERT if encoder == "bert" else ELMO
    arguments = [
        *("--corpus", str(corpus), "--batch-size", "4"),
        *("--epochs", "3", "--steps-per-epoch", "20", "--dropout", "0.1"),
        *("--checkpoint-steps", "7"),
    ]
    for key, value in sizes.items():
        arguments.append(f"--{key.replace('_', '-')}")
        flat = np.ravel(value) if isinstance(value, tuple) else [value]
        arguments.extend(map(str, flat))
    if encoder == "elmo":  # the carried state also resumes
        arguments += ["--reset-steps", "None"]

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / f"pretrain_{encoder}.py")]
            + ["--output", str(output), *arguments],
            stdout=subprocess.DEVNULL,
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0
    process = start(killed)
    deadline = time.monotonic() + 120
    while not training.completed_steps(killed):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "encoder.keras").exists()
    assert start(killed).wait() == 0
    results = [
        json.loads((folder / "results.json").read_text())["results"]
        for folder in (whole, killed)
    ]
    assert results[0]["loss"] == results[1]["loss"]
    weights = [
        keras.saving.load_model(folder / "encoder.keras").get_weights()
        for folder in (whole, killed)
    ]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
