"""Fine-tuning: pairs, numbers, the best epoch, kills, files."""

import json
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from recipe_files import RECIPES, load_recipe
from tiny_encoders import save_encoders

from keras_ctx import fine_tuning, text, training

SMALL = {
    "epochs": 2,
    "batch_size": 4,
    "max_length": 16,
    "learning_rate": 0.02,
    "compare": False,
}


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> dict[str, Path]:
    folders = save_encoders(tmp_path_factory.mktemp("encoders"))
    # The encoder as saved, which reads the characters of every word.
    text.save_inputs(
        text.ElmoInputs(8, max_length=20), folders["elmo"] / "text_inputs.json"
    )
    return folders


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Writes text pairs; equal texts score 5, others 0."""
    path = tmp_path / "pairs.csv"
    words = ["the bank", "a river", "the ink", "a tree"]
    rows = [f'"{a}","{b}",{5.0 * (a == b)}\n' for a in words for b in words * 2]
    path.write_text("first,second,score\n" + "".join(rows))
    return path


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "names.conll"
    path.write_text("the O\nriver B-LOC\nbank I-LOC\n\nink O\nis O\n\n" * 16)
    return path


@pytest.mark.parametrize(
    "name, arguments",
    [
        (
            "finetune_classifier",
            {"columns": ("first", "score"), "regression": True},
        ),
        ("finetune_tagger", {}),
    ],
)
def test_a_triangle_has_the_updates_of_the_whole_run(
    name, arguments, encoders, pairs, names, tmp_path
) -> None:
    """The model checked before the run has the length of the run."""
    recipe = load_recipe(name)
    file = names if name == "finetune_tagger" else pairs  # 32 examples each

    def begin(epochs: int) -> None:
        config = recipe.Config(
            **{**SMALL, **arguments, "epochs": epochs, "batch_size": 8},
            init=encoders["bert"],
            train=file,
            test=file,
            num_train=None,
            schedule="slanted_triangular",
            output=tmp_path / "run",
        )
        _, task = recipe.read_data(config)
        fine_tuning.begin(
            config,
            training.strategy(config.strategy, batch_size=8),
            recipe.data_files(config),
            config.load_text_inputs(),
            lambda encoder: recipe.make_model(config, encoder, task, 4),
        )

    with pytest.raises(ValueError, match='schedule "linear".*total_steps=8'):
        begin(epochs=2)
    assert not (tmp_path / "run" / "settings.json").exists()
    begin(epochs=3)
    assert (tmp_path / "run" / "settings.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoder", ["bert", pytest.param("elmo", marks=pytest.mark.slow)]
)
def test_pairs_with_numbers(encoder, encoders, pairs, tmp_path) -> None:
    recipe = load_recipe("finetune_classifier")
    results = recipe.main(
        recipe.Config(
            **{**SMALL, "epochs": 4},
            init=encoders[encoder],
            train=pairs,
            dev=pairs,
            test=pairs,
            output=tmp_path / "run",
            columns=("first", "second", "score"),
            regression=True,
            num_train=None,
            seeds=(1, 2),
            layer_decay=0.9,
            gradual_unfreezing=True,
            schedule="slanted_triangular",
            gradient_accumulation_steps=2,
        )
    )
    assert results["metric"] == "pearson_spearman"
    scores = results["scores_pretrained"]
    assert len(scores["pearson"]["seeds"]) == 2
    assert results["pretrained"] == pytest.approx(
        (scores["pearson"]["mean"] + scores["spearman"]["mean"]) / 2
    )
    lines = (tmp_path / "run" / "predictions.tsv").read_text().splitlines()
    assert len(lines) == 1 + 32 and lines[0] == "label\tprediction"
    # Predictions are beside their labels: they give the same score.
    true, predicted = np.array([line.split("\t") for line in lines[1:]]).T
    found = np.corrcoef(true.astype(float), predicted.astype(float))[0, 1]
    assert found == pytest.approx(scores["pearson"]["seeds"][0], abs=1e-5)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"columns": ("0",)}, "`columns` must be text and label"),
        ({"patience": 2}, "`patience` needs `dev`"),
        ({"regression": True, "class_weights": True}, "`class_weights` needs"),
        ({"multi_label": True, "class_weights": True}, "`class_weights` needs"),
        ({"multi_label": True, "regression": True}, "not both"),
        ({"regression": True, "metric": "f1"}, "`metric` must be .* pearson"),
        ({"metric": "pearson_spearman"}, "`metric` must be one of accuracy"),
        ({"metric": "f1_micro"}, "`metric` must be one of accuracy"),
        ({"multi_label": True, "metric": "f1"}, "one of f1_micro, f1_macro"),
        ({"num_train": 0}, "`num_train` must be at least 1"),
        ({"lora_rank": 4, "frozen": True}, "not both"),
        ({"dev": Path("a.tsv")}, "`dev` needs `train` and `test`"),
        ({"encoding": "utf-9"}, "`encoding` must be one"),
    ],
)
def test_settings_that_do_not_fit_are_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        load_recipe("finetune_classifier").Config(**arguments)


def test_label_that_training_has_not_seen_is_refused(
    encoders, reviews, tmp_path
) -> None:
    other = tmp_path / "other.tsv"
    other.write_text("the bank\tso-so\n")
    recipe = load_recipe("finetune_classifier")
    config = recipe.Config(
        **SMALL,
        init=encoders["bert"],
        train=reviews,
        test=other,
        output=tmp_path / "run",
    )
    with pytest.raises(ValueError, match="`labels` must hold only"):
        recipe.main(config)


@pytest.mark.slow
def test_rare_classes_and_bfloat16(encoders, reviews, tmp_path) -> None:
    recipe = load_recipe("finetune_classifier")
    results = recipe.main(
        recipe.Config(
            **SMALL,
            init=encoders["bert"],
            train=reviews,
            test=reviews,
            output=tmp_path / "run",
            class_weights=True,
            dtype="mixed_bfloat16",
            mix="last",
        )
    )
    assert 0 <= results["scores_pretrained"]["matthews"]["mean"] <= 1
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    block = model.get_layer("bert_encoder").get_layer("block_0")
    assert block.compute_dtype == "bfloat16"
    assert {weight.dtype for weight in block.weights} == {"float32"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoder", [pytest.param("bert", marks=pytest.mark.slow), "elmo"]
)
def test_feature_based_tagger_leaves_the_encoder(
    encoder, encoders, names, tmp_path
) -> None:
    recipe = load_recipe("finetune_tagger")
    config = recipe.Config(
        **{**SMALL, "epochs": 12},
        init=encoders[encoder],
        train=names,
        dev=names,
        test=names,
        output=tmp_path / "run",
        feature_based=True,
        lstm_dim=8,
        patience=12,
    )
    results = recipe.main(config)
    assert results["pretrained"] > 0.9
    written = json.loads((tmp_path / "run" / "results.json").read_text())
    written = written["config"]
    assert written["frozen"] and written["crf"] and written["lstm_dim"] == 8
    before = keras.saving.load_model(encoders[encoder] / "encoder.keras")
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    after = model.get_layer(before.name)
    for x in after.weights:
        same = [y for y in before.weights if y.path == x.path]
        np.testing.assert_array_equal(x, same[0])
    written = (tmp_path / "run" / "predictions.conll").read_text()
    assert written.split("\n\n")[0].split("\n")[1].split(" ")[:2] == [
        "river",
        "B-LOC",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classifier", "tagger"])
def test_a_killed_run_ends_as_if_it_had_not_been(
    task, encoders, reviews, entities, tmp_path
) -> None:
    """Killed once in each of two seeds, at some moment."""
    labelled = str(reviews if task == "classifier" else entities)
    arguments = [
        *("--init", str(encoders["bert"]), "--train", labelled),
        *("--dev", labelled, "--test", labelled, "--max-length", "16"),
        *("--epochs", "4", "--batch-size", "2", "--no-compare"),
        *("--seeds", "1", "2", "--patience", "3", "--layer-decay", "0.8"),
    ]

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / f"finetune_{task}.py")]
            + ["--output", str(output), *arguments],
            stdout=subprocess.DEVNULL,
        )

    def wait_for(folder: Path, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + 600  # others may be busy here
        while not training.completed_steps(folder):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0
    for seed in (1, 2):
        process = start(killed)
        try:
            wait_for(killed / "pretrained" / f"seed_{seed}", process)
        finally:
            process.kill()
            process.wait()
        assert not (killed / "results.json").exists()
    assert start(killed).wait() == 0
    first, second = (
        json.loads((folder / "results.json").read_text())["results"]
        for folder in (whole, killed)
    )
    del first["seconds"], second["seconds"]
    assert first == second
    weights = [
        keras.saving.load_model(folder / "model.keras").get_weights()
        for folder in (whole, killed)
    ]
    for x, y in zip(*weights, strict=True):
        np.testing.assert_array_equal(x, y)
