"""The recipe of semantic roles: what it learns, writes and refuses."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from recipe_files import RECIPES, load_recipe
from tiny_encoders import save_encoders

from keras_ctx import data, evaluation, fine_tuning, text
from keras_ctx.files.model_file import load_model
from keras_ctx.serving.export.model_to_export import model_to_export

SMALL: dict[str, Any] = {
    "epochs": 12,
    "batch_size": 4,
    "learning_rate": 0.02,
    "compare": False,
    "mix": "last",
    "predicate_dim": 4,
}
# What comes before the predicate is ARG0, what follows it ARG1.
SENTENCES = [
    ("the river is on", 2, [[0, 2, "ARG0"], [3, 4, "ARG1"]]),
    ("bank on the river", 1, [[0, 1, "ARG0"], [2, 4, "ARG1"]]),
    ("is the bank", 0, [[1, 3, "ARG1"]]),
    ("river is the bank", 1, [[0, 1, "ARG0"], [2, 4, "ARG1"]]),
]


def lines(sentences) -> str:
    return "".join(
        json.dumps(
            {
                "sent_id": str(number),
                "words": words.split(),
                "predicate": place,
                "arguments": arguments,
            }
        )
        + "\n"
        for number, (words, place, arguments) in enumerate(sentences)
    )


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> dict[str, Path]:
    return save_encoders(tmp_path_factory.mktemp("encoders"))


@pytest.fixture
def finetune(encoders, tmp_path):
    recipe = load_recipe("finetune_semantic_roles")

    def run(encoder: str = "words", output: str = "run", **settings):
        paths = {}
        contents = {"train": lines(SENTENCES * 4), "test": lines(SENTENCES)}
        contents["test"] += '{"sent_id": "none", "words": ["river"]}\n'
        # Every sentence has a name of its own.
        for name, content in contents.items():
            paths[name] = tmp_path / f"{name}.jsonl"
            paths[name].write_text(content)
        return recipe.main(
            recipe.Config(
                init=encoders[encoder],
                output=tmp_path / output,
                **{**SMALL, **paths, **settings},
            )
        )

    return run


@pytest.mark.parametrize(
    "options",
    [
        {"body": "highway_lstm", "body_dim": 12},
        pytest.param(
            {
                "encoder": "bert",
                "predicate": "second_segment",
                "body": "bilstm",
                "body_dim": 12,
            },
            marks=pytest.mark.slow,
        ),
    ],
    ids=["words", "bert"],
)
def test_learns_and_writes_what_it_scores(options, finetune, tmp_path) -> None:
    asked = tmp_path / "asked.jsonl"
    asked.write_text(lines([(x, n, []) for x, n, _ in SENTENCES]))
    results = finetune(predict=asked, **options)
    folder = tmp_path / "run"
    true = data.read_propositions(tmp_path / "test.jsonl")
    found = data.read_propositions(folder / "predictions.jsonl")
    assert [words for words, _ in found] == [words for words, _ in true]
    scores = evaluation.role_scores([x for _, x in true], [x for _, x in found])
    assert results["pretrained"] == pytest.approx(scores["f1"], abs=1e-12)
    assert scores["f1"] > 0.7  # position and flag are enough
    stored = json.loads((folder / "classes.json").read_text())
    assert stored["ARG1"]["support"] == 4
    assert results["labels"] == stored
    # "river" begins ARG0 as often as it begins nothing: one of 7 is missed.
    assert results["majority"] == pytest.approx(12 / 13)
    task = json.loads((folder / "task.json").read_text())
    place = options.get("predicate", "flag")
    assert task == {"task": "semantic_roles", "predicate": place}
    # The saved model answers as the one that was scored.
    model = load_model(folder / "model.keras", compile=False)
    labels = text.load_vocabulary(folder / "labels.txt")
    assert labels == ["O", "B-ARG0", "I-ARG0", "B-ARG1", "I-ARG1"]
    again = fine_tuning.predict_roles(
        model,
        [one for _, x in true for one in x],
        labels,
        text.load_inputs(folder / "text_inputs.json"),
        3,
        place,
        verbose=False,
    )
    assert [x.arguments for x in again] == [
        one.arguments for _, x in found for one in x
    ]
    # So does predict.py, from the predicates alone.
    predicted = (folder / "predicted.jsonl").read_text()
    written = (folder / "predictions.jsonl").read_text()
    assert predicted == "".join(written.splitlines(keepends=True)[:-1])
    exported = model_to_export(folder)[2]
    assert exported["predicate"] == place and exported["labels"] == labels


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_figures(
    finetune, encoders, tmp_path
) -> None:
    options = {"body": "highway_lstm", "body_dim": 8, "epochs": 20}
    whole = finetune(output="whole", **options)
    folder = tmp_path / "killed"
    given = {
        **{**SMALL, **options},
        **{name: tmp_path / f"{name}.jsonl" for name in ("train", "test")},
        "init": encoders["words"],
        "output": folder,
    }
    del given["compare"]
    command = [sys.executable, str(RECIPES / "finetune_semantic_roles.py")]
    command += [
        word
        for name, value in given.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    process = subprocess.Popen([*command, "--no-compare"])
    metrics = folder / "pretrained" / "seed_1" / "metrics.jsonl"
    while not metrics.exists() and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (folder / "results.json").exists()
    resumed = finetune(output="killed", **options)
    for name in ("pretrained", "labels"):
        assert resumed[name] == whole[name]


@pytest.mark.slow
def test_a_stored_context_gives_the_same_answers(
    finetune, encoders, tmp_path
) -> None:
    found = []
    for stored in (False, True):
        options = {"context": encoders["elmo"], "store_context": stored}
        finetune(output=str(stored), body="highway_lstm", **options)
        folder = tmp_path / str(stored)
        found.append((folder / "predictions.jsonl").read_text())
        inputs = text.load_inputs(folder / "text_inputs.json")
        model = load_model(folder / "model.keras", compile=False)
        assert set(model.input) == {*inputs(["river"]), "predicate"}
    assert found[0] == found[1] and "ARG0" in found[0]


@pytest.mark.slow
def test_predicted_predicates_and_new_labels(
    finetune, tmp_path, capsys
) -> None:
    predicates = tmp_path / "predicates.jsonl"
    others = [*SENTENCES[:2], ("is the bank", 2, []), SENTENCES[3]]
    predicates.write_text(lines(others))
    test = tmp_path / "other.jsonl"
    first = ("the river is on", 2, [[0, 2, "ARG0"], [3, 4, "ARG9"]])
    test.write_text(lines([first, *SENTENCES[1:]]))
    results = finetune(
        test=test, predicates=predicates, body="highway_lstm", body_dim=12
    )
    said = capsys.readouterr().out
    assert "1 of 7 arguments have labels" in said and "missed: ARG9" in said
    scores = results["scores_pretrained"]
    # The same answers, but for the predicate that was not found.
    true = [found for _, found in data.read_propositions(test)]
    path = tmp_path / "run" / "predictions.jsonl"
    answers = [found for _, found in data.read_propositions(path)]
    answers[2] = []
    expected = evaluation.role_scores(true, answers)["f1"]
    found = scores["f1_of_predicted_predicates"]["mean"]
    assert found == pytest.approx(expected, abs=1e-12)
    assert expected != scores["f1"]["mean"]
    assert results["labels"]["ARG9"]["missed"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": None, "test": None}, "`train` and `test` must be given"),
        ({"body_layers": 3}, "`body_layers` needs `body`.*=3"),
        ({"body_dropout": 0.2}, "`body_dropout` needs `body`"),
        (
            {"optimizer": "adadelta", "layer_decay": 0.9},
            '`layer_decay` needs `optimizer="adamw"`',
        ),
        (
            {"optimizer": "adadelta", "weight_decay": 0.1},
            "`weight_decay` needs",
        ),
        ({"optimizer": "adadelta"}, "needs a `learning_rate` of its own: 1"),
        ({"store_context": True}, "`store_context` needs `context`"),
    ],
)
def test_options_are_refused(options, message, tmp_path) -> None:
    paths = {"train": tmp_path / "a", "test": tmp_path / "a"}
    with pytest.raises(ValueError, match=message):
        load_recipe("finetune_semantic_roles").Config(**{**paths, **options})


def test_files_are_refused(finetune, tmp_path) -> None:
    path = tmp_path / "given.jsonl"
    path.write_text('{"sent_id": "1", "words": ["is"]}\n')
    with pytest.raises(ValueError, match=r"given.*: no sentence has a predi"):
        finetune(test=path)
    with pytest.raises(ValueError, match=r"given.*: no sentence has a predi"):
        finetune(dev=path)
    path.write_text(lines([("it is", 1, [])]))
    with pytest.raises(ValueError, match="no predicate has an argument"):
        finetune(train=path)
    path.write_text(lines(SENTENCES[:3]))
    with pytest.raises(ValueError, match="3 predicates are fewer than the 4"):
        finetune(train=path)
    path.write_text(lines(SENTENCES[1:]))
    with pytest.raises(ValueError, match="sentence 1 is 'bank on the river'"):
        finetune(predicates=path)
    path.write_text(lines(SENTENCES[:2]))
    with pytest.raises(ValueError, match="Received: 2 and 5 sentences"):
        finetune(predicates=path)
    with pytest.raises(ValueError, match="needs text inputs with segments"):
        finetune(predicate="second_segment")
    assert not (tmp_path / "run" / "settings.json").exists()
