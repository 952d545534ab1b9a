"""The files of a pretraining run, and its last lines."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import models, pretraining, text, training


def options(folder: Path, **arguments) -> pretraining.PretrainingOptions:
    output = folder / "my run"
    return pretraining.PretrainingOptions(output=output, **arguments)


def test_a_run_is_saved_without_what_only_training_needs(
    tmp_path: Path,
) -> None:
    given = options(tmp_path)
    (given.output / "checkpoints").mkdir(parents=True)
    model = models.with_dtype(
        models.bert_pretrainer(models.bert_encoder(9, 1, 1, 4, 8, 8)),
        "mixed_bfloat16",
    )
    model.compile("adam")
    bare = pretraining.bare_model(model, "mixed_bfloat16")
    inputs = text.BertInputs([*text.SPECIAL_TOKENS, *"abcd"], 8)
    trained = {"encoder": models.encoder_of(bare), "pretrainer": bare}
    pretraining.save_run(given, inputs, trained, {"loss": float("nan")})
    names = ["encoder.keras", "pretrainer.keras"]
    assert sorted(path.name for path in given.output.iterdir()) == [
        *names,
        "results.json",
        "text_inputs.json",
    ]
    written = json.loads((given.output / "results.json").read_text())
    assert written["results"] == {"loss": None}
    found = keras.saving.load_model(given.output / "pretrainer.keras")
    assert {x.dtype_policy.name for x in found.layers} == {"float32"}
    for one, other in zip(found.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_stop_before_the_results_leaves_the_checkpoints(
    tmp_path: Path,
) -> None:
    """`ended_run` needs the last file; only then are checkpoints removed."""
    given = options(tmp_path)
    (given.output / "checkpoints").mkdir(parents=True)
    encoder = models.elmo_encoder([(1, 4)], 6, 4, max_characters=5)
    trained: Any = {"encoder": encoder, "language_model": None}
    with pytest.raises(AttributeError):  # the second one is no model
        pretraining.save_run(given, text.ElmoInputs(5), trained, {"loss": 1})
    assert (given.output / "encoder.keras").exists()
    assert (given.output / "checkpoints").exists()
    assert training.ended_run(given.output, "encoder.keras") is None


RESULTS = {
    "before": {"val_loss": 3.5},
    "loss": 1.25,
    "accuracy": 0.5,
    "val_loss": 2.5,
}


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({"loss": 1.0, "step": 9}, [["", "training"], ["loss", 1.0]]),
        (
            RESULTS,
            [
                ["", "training", "held out, before", "held out"],
                ["loss", 1.25, 3.5, 2.5],
                ["accuracy", 0.5, None, None],
            ],
        ),
        (
            {**RESULTS, "averaged": {"val_loss": 2.0, "val_accuracy": 0.75}},
            [
                ["", "training", "held out, before", "held out"],
                ["loss", 1.25, 3.5, 2.0],  # of the saved weights
                ["accuracy", 0.5, None, 0.75],
            ],
        ),
    ],
)
def test_rows(results: dict, expected: list) -> None:
    names = ["loss", "accuracy", "perplexity"]
    assert pretraining.figure_rows(results, names) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "finetune_classifier.py --init X --output X_sentiment"),
        (
            {"corpus": Path("news.txt")},
            "export_saved_model.py --kind fill_mask --model X "
            "--output saved_models/my run",
        ),
    ],
)
def test_last_lines(
    arguments: dict[str, Any],
    expected: str,
    tmp_path: Path,
    capsys,
    monkeypatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    given = options(tmp_path, **arguments)
    found = pretraining.close_run(given, {"loss": 1.5}, ["loss"], "fill_mask")
    assert found == {"loss": 1.5}
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["loss", "1.5"]
    assert lines[-3].strip() == str(given.output)
    command = lines[-1].replace("'", "").replace(str(given.output), "X")
    assert command.endswith(expected)


def test_next_to_the_working_directory(tmp_path: Path, monkeypatch) -> None:
    """A path such as "." has no name, or another one."""
    (tmp_path / "run" / "inside").mkdir(parents=True)
    expected = tmp_path.resolve() / "run_bert"
    for here, path in (("run", "."), ("run/inside", ".."), (".", "run")):
        monkeypatch.chdir(tmp_path / here)
        found = pretraining.next_folder(Path(path), "bert")
        assert found.resolve() == expected


def test_the_mean_on_a_held_out_text_by_hand(capsys) -> None:
    model = keras.Sequential([keras.layers.Identity()])
    model.compile(loss="mse", metrics=["mae"])
    values = np.array([[1.0], [1.0], [3.0], [3.0]])
    dataset = tf.data.Dataset.from_tensor_slices((values, 0 * values)).batch(2)
    found = pretraining.measure(model, dataset)
    assert found == {"val_loss": 5.0, "val_mae": 2.0}
    assert capsys.readouterr().out == "val_loss: 5.0000 - val_mae: 2.0000\n"


def test_callbacks_and_names_of_batches(tmp_path: Path) -> None:
    given = options(tmp_path, loss_spike=7.0, checkpoint_steps=3, seed=4)
    found = pretraining.run_callbacks(given, keep=5)
    (stop,) = [x for x in found if isinstance(x, training.StopAtDivergence)]
    (backup,) = [x for x in found if isinstance(x, training.BackupAndRestore)]
    assert (stop.spike, stop.folder) == (7.0, given.output)
    assert backup.keep == 5
    names = pretraining.batch_names(given)
    assert names(12) == ["that of `first_step=12`, `seed=4`"]
