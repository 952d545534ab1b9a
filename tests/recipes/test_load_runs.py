"""`keras_ctx.load` on the folders of the recipes."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipe_files import load_recipe
from tiny_encoders import save_encoders

import keras_ctx
from keras_ctx import data, predictions, text
from keras_ctx.predictions.model_rows import ModelRows

# Every test loads a run that a recipe trained.
pytestmark = pytest.mark.slow

TOY = {"epochs": 1, "compare": False, "batch_size": 4, "learning_rate": 0.05}
TEXTS = ["the river", "bank", "the bank is", "river river", "i bank the"]
TEXTS += ["on the bank", "has the river", "rank"]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = save_encoders(tmp_path_factory.mktemp("encoders"))
    # The encoder of a run has no distinct words.
    inputs = text.ElmoInputs(8, max_length=20)
    text.save_inputs(inputs, folders["elmo"] / "text_inputs.json")
    return folders


def train(name: str, init: Path, file: Path, output: Path, **options) -> dict:
    recipe = load_recipe(f"finetune_{name}")
    recipe.main(
        recipe.Config(
            **{"train": file, "test": file, "init": init, "output": output},
            **{**TOY, **options},
        )
    )
    return json.loads((output / "results.json").read_text())["results"]


def write_table(path: Path, labels: Callable[[int], str]) -> Path:
    rows = [f"{text}\t{labels(n)}\n" for n, text in enumerate(TEXTS)]
    path.write_text("".join(rows))
    return path


def assert_scores(found: dict[str, float], told: dict, seed: int = 0) -> None:
    """Compares scores with those that the recipe wrote for a seed.

    Batches of other lengths round differently; an error of 1e-6 becomes 2e-6 or
    more in the correlation of nearly equal numbers, so the bound is 1e-5.
    """
    assert found
    for name, value in found.items():
        assert value == pytest.approx(told[name]["seeds"][seed], abs=1e-5)


def predicted(folder: Path, file: Path, output: Path) -> list[str]:
    recipe = load_recipe("predict")
    recipe.main(recipe.Config(folder, file, output))
    return output.read_text().splitlines()


@pytest.fixture(scope="module")
def classified(encoders, tmp_path_factory) -> tuple[Path, dict]:
    """Returns a run of two seeds, and its results."""
    folder = tmp_path_factory.mktemp("runs")
    table = write_table(folder / "texts.tsv", lambda n: ("bad", "good")[n % 2])
    (folder / "plain.txt").write_text("".join(f"{x}\n" for x in TEXTS))
    run = folder / "run"
    results = train("classifier", encoders["bert"], table, run, seeds=(1, 2))
    return run, results["scores_pretrained"]


def test_run_says_what_its_recipe_has_measured(classified, tmp_path) -> None:
    run, scores = classified
    labels = ["bad", "good"] * 4
    folders = [run, run / "pretrained/seed_1", run / "pretrained/seed_2"]
    found = {}
    for folder, seed in zip(folders, (0, 0, 1), strict=True):
        model = keras_ctx.load(folder)
        assert_scores(model.evaluate(TEXTS, labels), scores, seed)
        found[folder] = model(TEXTS)
        lines = predicted(folder, run / "../plain.txt", tmp_path / "out.tsv")
        assert [x.split("\t")[0] for x in lines] == [
            each.label for each in found[folder]
        ]
        # Files have rounded logits; these are not rounded.
        rows = ModelRows(model.model, model.text_inputs)
        for each, row in zip(found[folder], rows(zip(TEXTS)), strict=True):
            assert row is not None
            shares = np.exp(row["logits"]) / np.exp(row["logits"]).sum()
            given = [each.scores[label] for label in model.labels]
            np.testing.assert_allclose(given, shares, atol=1e-6)
    assert found[run] == found[folders[1]] != found[folders[2]]


def test_saved_run_is_read_as_the_run(classified, tmp_path) -> None:
    run, _ = classified
    model = keras_ctx.load(run)
    saved = model.save(tmp_path / "saved")
    again = keras_ctx.load(saved)
    assert again.settings == model.settings
    assert again(TEXTS) == model(TEXTS)
    plain = run / "../plain.txt"
    assert predicted(saved, plain, tmp_path / "a") == (
        predicted(run, plain, tmp_path / "b")
    )


def test_other_folders_are_refused_with_one_to_name(
    classified, tmp_path: Path
) -> None:
    run, _ = classified
    with pytest.raises(ValueError, match=r"Name one of the folders .*: run\."):
        keras_ctx.load(run.parent)
    with pytest.raises(ValueError, match=r"folders in it: seed_1, seed_2\."):
        keras_ctx.load(run / "pretrained")
    for inside in run.rglob("tensorboard"):
        with pytest.raises(ValueError, match=r"Name the folder above, .*seed_"):
            keras_ctx.load(inside)
    with pytest.raises(ValueError, match="Give the folder that contains"):
        keras_ctx.load(run / "model.keras")
    with pytest.raises(ValueError, match=r"needs a folder with pretrainer\."):
        keras_ctx.load(run, "fill_mask")


def test_seed_of_a_run_that_was_killed(classified, tmp_path: Path) -> None:
    run, _ = classified
    for name in ("settings.json", "pretrained/seed_1/model.keras"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((run / name).read_bytes())
    (tmp_path / "pretrained/seed_2").mkdir()
    for name in (".", "pretrained/seed_1", "pretrained/seed_2"):
        with pytest.raises(ValueError, match="a finished run"):
            keras_ctx.load(tmp_path / name)
    for name in (".", "pretrained/seed_1"):
        with pytest.raises(ValueError, match="a finished run"):
            predictions.read_task(tmp_path / name)
    with pytest.raises(ValueError, match="Name the folder above"):
        keras_ctx.load(tmp_path / "pretrained")


def test_folder_called_as_a_seed_is_its_own(classified, tmp_path) -> None:
    """`settings.json` in the parent folder belongs to another run."""
    run, _ = classified
    (tmp_path / "settings.json").write_text("{}")
    saved = keras_ctx.load(run).save(tmp_path / "seed_1")
    assert keras_ctx.load(saved)(TEXTS) == keras_ctx.load(run)(TEXTS)


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("elmo", {"mix": "last"}),
        ("words", {}),
        ("bert", {"regression": True, "lora_rank": 2}),
        ("bert", {"multi_label": True, "dtype": "mixed_bfloat16"}),
    ],
)
def test_other_classifiers(encoder, options, encoders, tmp_path) -> None:
    names = ["", "good", "bad", "bad,good"]
    labels: list[Any] = [("bad", "good")[n % 2] for n in range(len(TEXTS))]
    written = labels
    if options.get("regression"):
        labels = [n / 2 for n in range(len(TEXTS))]
        written = list(map(str, labels))
    elif options.get("multi_label"):
        written = [names[n % 4] for n in range(len(TEXTS))]
        labels = [[x for x in each.split(",") if x] for each in written]
    table = write_table(tmp_path / "texts.tsv", lambda n: written[n])
    run = tmp_path / "run"
    results = train("classifier", encoders[encoder], table, run, **options)
    model = keras_ctx.load(run)
    assert_scores(model.evaluate(TEXTS, labels), results["scores_pretrained"])
    plain = tmp_path / "plain.txt"
    plain.write_text("".join(f"{x}\n" for x in TEXTS))
    found = [x.split("\t")[0] for x in predicted(run, plain, tmp_path / "out")]
    if options.get("regression"):
        np.testing.assert_allclose(list(map(float, found)), model(TEXTS), 1e-5)
    elif options.get("multi_label"):
        assert [set(x.split(",")) - {""} for x in found] == [
            set(each.labels) for each in model(TEXTS)
        ]
    else:
        assert found == [each.label for each in model(TEXTS)]
    before = [w.numpy() for w in model.model.trainable_weights]
    loss = model.fit(TEXTS, labels, learning_rate=0.01, verbose=0).history
    assert math.isfinite(loss["loss"][0])
    after = [w.numpy() for w in model.model.trainable_weights]
    assert any(map(lambda x, y: (x != y).any(), before, after))
    saved = model.save(tmp_path / "saved")
    # A recipe can start from the saved model.
    more = {k: v for k, v in options.items() if k != "lora_rank"}
    train("classifier", saved, table, tmp_path / "next", **more)
    assert keras_ctx.load(tmp_path / "next").task == model.task


def test_tagger_takes_tags_as_its_files_write_them(encoders, tmp_path) -> None:
    words = [text.split() for text in TEXTS]
    tags = [
        ["S-X" if word in ("bank", "river") else "O" for word in row]
        for row in words
    ]
    tags[0] = ["B-X", "E-X"]
    file = tmp_path / "words.conll"
    file.write_text(
        "\n".join(
            "".join(f"{w} {t}\n" for w, t in zip(*both, strict=True))
            for both in zip(words, tags, strict=True)
        )
    )
    run = tmp_path / "run"
    results = train(
        *("tagger", encoders["bert"], file, run), crf=True, constraints=True
    )["scores_pretrained"]
    model = keras_ctx.load(run)
    assert model.labels == ("B-X", "I-X", "O")
    assert_scores(model.evaluate(words, tags), results)
    iob2 = [
        [t.replace("S-", "B-").replace("E-", "I-") for t in x] for x in tags
    ]
    assert_scores(model.evaluate(words, iob2), results)
    model.fit(words, tags, verbose=0)
    with pytest.raises(ValueError, match="Received: 'S-Y' in row 0"):
        model.evaluate(["a".split()], [["S-Y"]])


def test_questions_of_each_seed_have_a_threshold(encoders, tmp_path) -> None:
    context = "the river is on the bank"
    qas: list[dict[str, Any]] = [
        {
            "id": word,
            "question": word,
            "answers": [{"text": word, "answer_start": context.index(word)}],
        }
        for word in ("river", "bank", "is")
    ]
    qas.append({"id": "x", "question": "x", "is_impossible": True})
    qas[-1]["answers"] = []
    file = tmp_path / "questions.json"
    paragraphs = [{"context": context, "qas": qas}]
    file.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    recipe = load_recipe("finetune_squad")
    settings = {k: v for k, v in TOY.items() if k != "compare"}
    run = tmp_path / "run"
    recipe.main(
        recipe.Config(
            **{"train": file, "dev": file, "test": file, "seeds": (1, 2)},
            **{"init": encoders["words"], "output": run, **settings},
            **{"max_length": 12, "max_question": 3, "max_answer": 3},
        )
    )
    told = json.loads((run / "results.json").read_text())["results"]["scores"]
    asked = data.read_squad(file)
    rows = [(x.question, x.context) for x in asked]
    answers = [[(a.text, a.start) for a in x.answers] for x in asked]
    folders = (run, run / "seed_1", run / "seed_2")
    for folder, seed in zip(folders, (0, 0, 1), strict=True):
        model = keras_ctx.load(folder)
        threshold = model.settings["null_threshold"]
        assert threshold == told["threshold"]["seeds"][seed]
        assert_scores(model.evaluate(rows, answers), told, seed)
        lines = predicted(folder, file, tmp_path / "answers.json")
        found = json.loads("".join(lines))
        assert list(found.values()) == [each.text for each in model(rows)]
