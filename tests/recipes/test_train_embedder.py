"""train_embedder.py on a tiny BERT whose words are to become synonyms."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from contracts.random_weights import randomized
from recipe_files import RECIPES, load_recipe

import keras_ctx
from keras_ctx import convert, models, text, training

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [first + second for first in "ab" for second in "cdefghij"]
PAIRS = list(zip(WORDS[:8], WORDS[8:], strict=True))
SMALL = {
    "epochs": 8,
    "batch_size": 4,
    "learning_rate": 0.03,
    "max_length": 6,  # the encoder takes 8
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes an encoder and its text inputs."""
    folder = tmp_path_factory.mktemp("encoder")
    vocabulary = [*SPECIAL, *WORDS]
    encoder = models.bert_encoder(
        len(vocabulary), 1, 2, 8, 12, max_length=8, dropout=0.0
    )
    training.save_model(randomized(encoder), folder / "encoder.keras")
    inputs = text.BertInputs(vocabulary, 8)
    text.save_inputs(inputs, folder / "text_inputs.json")
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Writes pairs, triplets and scored pairs."""
    folder = tmp_path_factory.mktemp("tables")
    rows = {
        "pairs": [f"{a}\t{b}" for a, b in PAIRS * 4],
        "triplets": [
            f"{a}\t{b}\t{WORDS[8 + (k + shift) % 8]}"
            for k, (a, b) in enumerate(PAIRS)
            for shift in range(1, 8)
        ],
        "scores": [
            f"{a}\t{b}\t{5 * (a[1] == b[1])}"
            for a, _ in PAIRS
            for _, b in PAIRS
        ],
    }
    found = {name: folder / f"{name}.tsv" for name in rows}
    for name, lines in rows.items():
        found[name].write_text("\n".join(lines) + "\n")
    return found


@pytest.fixture(scope="module")
def run(folder, files, tmp_path_factory) -> tuple[Path, dict]:
    output = tmp_path_factory.mktemp("runs") / "run"
    recipe = load_recipe("train_embedder")
    results = recipe.main(
        recipe.Config(
            **SMALL,
            init=folder,
            train=files["pairs"],
            test=files["pairs"],
            output=output,
        )
    )
    return output, results


def test_pairs_find_each_other(run, folder) -> None:
    output, results = run
    assert results["metric"] == "mrr"
    assert results["before"]["mrr"] < 0.8
    assert results["after"] > 0.95
    # Recomputed: by the vectors of the written folders.
    first, second = ([pair[k] for pair in PAIRS] for k in (0, 1))
    model, inputs = convert.load_embedder(output)
    x, y = (np.asarray(model(inputs(t))["embedding"]) for t in (first, second))
    ranks = (x @ y.T >= np.diag(x @ y.T)[:, None]).sum(axis=1)
    assert np.mean(1 / ranks) == pytest.approx(results["after"], abs=1e-6)
    again, read = convert.load_embedder(output / "sentence_transformers")
    assert inputs.max_length == read.max_length == 6
    np.testing.assert_allclose(
        again(read(first))["embedding"], x, rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(
        keras_ctx.load(output).predict(first), x, rtol=0, atol=1e-5
    )
    # The encoder was trained, not a head.
    before, _ = convert.load_embedder(folder)
    assert np.abs(before(inputs(first))["embedding"] - x).max() > 0.1
    written = json.loads((output / "task.json").read_text())
    assert written["task"] == "embedding"
    written = json.loads((output / "results.json").read_text())
    assert written["results"]["scores"]["mrr"]["seeds"] == [results["after"]]


def test_ended_runs_do_not_train_again(run, folder, files) -> None:
    output, results = run
    recipe = load_recipe("train_embedder")
    config = recipe.Config(
        **SMALL,
        init=folder,
        train=files["pairs"],
        test=files["pairs"],
        output=output,
    )
    found = output / "trained/seed_1/model.keras"
    before = found.stat().st_mtime_ns
    again = recipe.main(config)
    assert found.stat().st_mtime_ns == before
    assert again["scores"] == results["scores"]
    other = recipe.Config(**{**vars(config), "scale": 10.0})
    with pytest.raises(ValueError, match="scale"):
        recipe.main(other)


@pytest.mark.slow  # more trainings
@pytest.mark.parametrize(
    ("loss", "table", "more"),
    [
        (
            *("cosent", "scores"),
            # One pair of eight has the higher score.
            {"columns": ("0", "1", "2"), "patience": 20}
            | {"batch_size": 16, "epochs": 30},
        ),
        ("cosine_similarity", "scores", {"columns": ("0", "1", "2")}),
        ("triplet", "triplets", {"columns": ("0", "1", "2")}),
        (
            "in_batch_negatives",
            "triplets",
            {"columns": ("0", "1", "2"), "symmetric": True, "lora_rank": 4},
        ),
    ],
)
def test_other_losses(loss, table, more, folder, files, tmp_path) -> None:
    recipe = load_recipe("train_embedder")
    results = recipe.main(
        recipe.Config(
            **{**SMALL, **more},
            loss=loss,
            init=folder,
            train=files[table],
            dev=files["scores"],
            test=files["scores"],
            eval_columns=("0", "1", "2"),
            output=tmp_path / "run",
        )
    )
    assert results["metric"] == "spearman"
    gain = results["after"] - results["before"]["spearman"]
    assert gain > 0.2, results
    model, inputs = convert.load_embedder(tmp_path / "run")
    again, _ = convert.load_embedder(tmp_path / "run/sentence_transformers")
    np.testing.assert_allclose(
        again(inputs(WORDS))["embedding"],
        model(inputs(WORDS))["embedding"],
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.slow
def test_exported_as_embed(run, tmp_path) -> None:
    output, _ = run
    recipe = load_recipe("export_saved_model")
    recipe.main(
        recipe.Config(model=output, kind="embedder", output=tmp_path / "served")
    )
    served = keras_ctx.load(tmp_path / "served").predict(WORDS)
    model, inputs = convert.load_embedder(output)
    np.testing.assert_allclose(
        served, model(inputs(WORDS))["embedding"], rtol=0, atol=1e-5
    )


@pytest.mark.slow
def test_a_killed_run_ends_as_if_it_had_not_been(
    folder, files, tmp_path
) -> None:
    arguments = [
        *("--init", str(folder), "--train", str(files["triplets"])),
        *("--dev", str(files["scores"]), "--test", str(files["scores"])),
        *("--columns", "0", "1", "2", "--eval-columns", "0", "1", "2"),
        *("--epochs", "6", "--batch-size", "4", "--seeds", "1", "2"),
        *("--learning-rate", "0.03", "--layer-decay", "0.8"),
    ]

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / "train_embedder.py")]
            + ["--output", str(output), *arguments],
            stdout=subprocess.DEVNULL,
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0
    for seed in (1, 2):
        process = start(killed)
        try:
            deadline = time.monotonic() + 600  # others may be busy here
            seeded = killed / "trained" / f"seed_{seed}"
            while not training.completed_steps(seeded):
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        assert not (killed / "results.json").exists()
    assert start(killed).wait() == 0
    first, second = (
        json.loads((path / "results.json").read_text())["results"]
        for path in (whole, killed)
    )
    del first["seconds"], second["seconds"]
    assert first == second
    weights = [
        convert.load_embedder(path)[0].get_weights() for path in (whole, killed)
    ]
    for x, y in zip(*weights, strict=True):
        np.testing.assert_array_equal(x, y)
