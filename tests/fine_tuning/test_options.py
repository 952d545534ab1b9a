"""Options that recipes share: refusals, and the text of `--help`."""

import dataclasses
import importlib.util
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from help_entries import help_entries

from keras_ctx import fine_tuning, text

RECIPES = Path(__file__).parents[2] / "recipes"
OUTPUT: dict[str, Any] = {"output": Path("runs/one")}
FILES: dict[str, Any] = {"train": Path("a.tsv"), "test": Path("b.tsv")}
BASE = fine_tuning.FineTuningOptions
LABELLED = fine_tuning.LabelledDataOptions
TEXTS = fine_tuning.TextTaskOptions
TAGS = fine_tuning.TaggingOptions
EMBED = fine_tuning.EmbeddingOptions


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        (BASE, {"patience": 1}, "`patience` needs `dev`"),
        (BASE, {"lora_rank": 2, "frozen": True}, "`lora_rank` or `frozen`"),
        (BASE, {"layer_decay": 0.9, "frozen": True}, "leave out `frozen`"),
        (LABELLED, {"gradual_unfreezing": True, "frozen": True}, "unfreezes"),
        (BASE, {"lora_rank": 0}, "`lora_rank` must be at least 1"),
        (BASE, {"seeds": (1, 1)}, "`seeds` must hold .* each once"),
        (BASE, {"init": OUTPUT["output"]}, None),
        (LABELLED, {"test": Path("a.tsv")}, "`train` and `test` must be"),
        (LABELLED, {"train": Path("a.tsv")}, "`train` and `test` must be"),
        (LABELLED, {"dev": Path("a.tsv")}, "`dev` needs `train` and `test`"),
        (
            LABELLED,
            {"gradient_accumulation_steps": 0},
            "`gradient_accumulation_steps` must be at least 1",
        ),
        (TEXTS, {"columns": ("0",)}, "`columns` must be text and label"),
        (TEXTS, {"encoding": "utf-9"}, "`encoding` must be one"),
        (TEXTS, {"metric": "pearson"}, "`metric` must be one of accuracy"),
        (
            LABELLED,
            {"recurrent_layers": 1, "frozen": True},
            "give a frozen encoder as `context`",
        ),
        (
            TAGS,
            {"context": Path("a"), "feature_based": True},
            "give a frozen encoder as `context`",
        ),
        (TAGS, {"store_context": True}, "`store_context` needs `context`"),
        (
            LABELLED,
            {"recurrent_layers": 1, "join": ("input",)},
            "`join` needs `context`",
        ),
        (LABELLED, {"cell": "gru"}, "`cell` needs `recurrent_layers`"),
        (
            LABELLED,
            {"context": Path("a"), "recurrent_dim": 9},
            "`recurrent_dim` needs `recurrent_layers`",
        ),
        (TAGS, {"constraints": True}, "`constraints` needs `crf`"),
        (TAGS, {"mix": "last", "mix_l2": 0.1}, "`mix_l2` needs"),
        (
            TAGS,
            {"lora_rank": 2, "feature_based": True},
            "`lora_rank` trains the encoder",
        ),
        *[
            (EMBED, {**FILES, **arguments}, message)
            for arguments, message in (
                ({"columns": ("0",)}, "`columns` must be two texts, or more"),
                ({"columns": ("0", "0")}, "`columns` must be different"),
                ({"loss": "triplet"}, '`loss="triplet"` needs `columns` of a'),
                ({"loss": "cosent"}, "`columns` must be two texts and their"),
                ({"eval_columns": ("0",)}, "`eval_columns` must be two texts"),
                ({"batch_size": 1}, "`batch_size` must be at least 2"),
                ({"margin": 2.0}, "`margin` is for the loss triplet"),
                ({"scale": 0.0}, "`scale` must be a number above 0"),
                ({"score_range": (0.0, 5.0)}, "is for the loss cosine_simil"),
                ({"frozen": True}, "`frozen` leaves nothing to train"),
                ({"gradual_unfreezing": True}, "begins with the head"),
                ({"patience": 1}, "`patience` needs `dev`"),
                (
                    {
                        "loss": "cosine_similarity",
                        "columns": ("0", "1", "2"),
                        "score_range": (5.0, 0.0),
                    },
                    "`score_range` must be a lower and a higher",
                ),
            )
        ],
    ],
)
def test_refused(options, arguments, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    if message is None:  # would write into the folder that is read
        OUTPUT["output"].mkdir(parents=True)
        message = "`output` must be another folder than `init`"
    with pytest.raises(ValueError, match=message):
        options(**{**OUTPUT, **arguments})


def test_files_and_lengths_of_the_sample_data(tmp_path: Path) -> None:
    text.save_inputs(text.ElmoInputs(8), tmp_path / "text_inputs.json")
    here = {**OUTPUT, "init": tmp_path}
    own, sample = LABELLED(**here, **FILES), LABELLED(**here)
    assert own.files == {**FILES, "dev": None} and sample.files == {}
    lengths = [x.load_text_inputs().max_length for x in (own, sample)]
    assert lengths == [None, 128]
    longer = LABELLED(**here, max_length=200)
    assert longer.load_text_inputs().max_length == 200


def test_scores_become_cosines(tmp_path: Path) -> None:
    def targets(**more) -> list[float] | None:
        path = tmp_path / "pairs.tsv"
        path.write_text("a\tb\t1\nc\td\t5\ne\tf\t2\n")
        files = {"train": path, "test": path, "output": tmp_path / "run"}
        columns = ("0", "1", "2")
        options = EMBED(**files, columns=columns, batch_size=2, **more)
        return options.targets(options.read()["train"])

    assert targets(loss="cosent") == [1, 5, 2]  # only the order matters
    cosines: dict[str, Any] = {"loss": "cosine_similarity"}
    assert targets(**cosines) == [0, 1, 0.25]
    assert targets(**cosines, score_range=(0.0, 5.0)) == [0.2, 1, 0.4]
    with pytest.raises(ValueError, match="line 2: a score must be in `score_r"):
        targets(**cosines, score_range=(0.0, 4.0))
    with pytest.raises(ValueError, match="3 rows are fewer than one batch"):
        EMBED(
            train=tmp_path / "pairs.tsv",
            test=tmp_path / "pairs.tsv",
            output=tmp_path / "run",
            columns=("0", "1"),
        ).read()


def test_a_device_with_a_single_row_has_no_negatives() -> None:
    options = EMBED(**OUTPUT, **FILES, batch_size=2)
    two = SimpleNamespace(num_replicas_in_sync=2)
    with pytest.raises(ValueError, match="must be at least 4 on 2 d"):
        fine_tuning.begin_embedder(options, two, 1)


def test_feature_based_is_written_out() -> None:
    found = TAGS(**OUTPUT, feature_based=True, lstm_dim=8).with_feature_based()
    assert (found.frozen, found.crf, found.lstm_dim) == (True, True, 8)
    assert TAGS(**OUTPUT, feature_based=True).with_feature_based().lstm_dim
    plain = TAGS(**OUTPUT)
    assert plain.with_feature_based() == plain


def load_config(name: str) -> type:
    path = RECIPES / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.Config


@pytest.mark.parametrize(
    ("name", "changed", "alien"),
    [
        ("finetune_classifier", {"--batch-size": "32"}, "--crf"),
        ("finetune_tagger", {"--epochs": "6"}, "--regression"),
        ("finetune_squad", {"--mix": "last"}, "--compare"),
        ("train_embedder", {"--learning-rate": "2e-05"}, "--compare"),
    ],
)
def test_help_explains_every_option(
    name, changed, alien, capsys, monkeypatch
) -> None:
    """Also inherited options with other defaults."""
    monkeypatch.setenv("COLUMNS", "200")
    config = load_config(name)
    shown, entries = help_entries(config, capsys)
    for field in dataclasses.fields(config):
        option = f"--{field.name.replace('_', '-')}"
        (entry,) = [x for x in entries if re.match(rf"{option}\b(?!-)", x)]
        words = entry.partition("(default:")[0].partition("(required)")[0]
        # There is a sentence, in addition to the option and its type.
        assert words.strip().endswith("."), entry
        if option in changed:
            assert f"(default: {changed[option]})" in entry
    assert f" {alien}" not in shown
