"""Question answering at toy size: memorized, killed, resumed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from recipe_files import RECIPES, load_recipe

from keras_ctx import models, text, training
from keras_ctx.data import SquadQuestion, longest_name

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PLACES = {"who": 0, "where": 3, "when": 5}
SENTENCES = (
    "ann went to rome in may .",
    "bob went to paris in june .",
    "ann ran to paris in july .",
    "eve ran to london in may .",
)
WORDS = sorted(
    {w for s in SENTENCES for w in s.split()} | {*PLACES, "why", "?"}
)


def write_questions(path: Path, version_2: bool, copies: int = 10) -> Path:
    """Writes who, where and when; in 2.0 also why, without an answer."""
    articles = []
    for number, context in enumerate(SENTENCES):
        words = context.split()
        qas = [
            {
                "id": f"{asked} {number} {copy}",
                "question": f"{asked} ?",
                "answers": [
                    {
                        "text": words[place],
                        "answer_start": context.index(words[place]),
                    }
                ],
            }
            for asked, place in PLACES.items()
            for copy in range(copies)
        ]
        if version_2:
            qas += [
                {
                    "id": f"why {number} {copy}",
                    "question": "why ?",
                    "answers": [],
                    "is_impossible": True,
                }
                for copy in range(copies)
            ]
        paragraphs = [{"context": context, "qas": qas}]
        articles.append({"title": str(number), "paragraphs": paragraphs})
    path.write_text(json.dumps({"version": "x", "data": articles}))
    return path


def save_bert(folder: Path, dropout: float = 0.0) -> Path:
    inputs = text.BertInputs([*SPECIAL, *WORDS], 40)
    encoder = models.bert_encoder(
        inputs.vocabulary_size,
        num_layers=2,
        num_heads=2,
        hidden_dim=64,
        intermediate_dim=128,
        max_length=40,
        dropout=dropout,
        initializer_range=0.2,
    )
    training.save_model(encoder, folder / "encoder.keras")
    text.save_inputs(inputs, folder / "text_inputs.json")
    return folder


def save_elmo(folder: Path) -> Path:
    # Of half of this size, some never learn what is asked in this time.
    encoder = models.elmo_encoder([(1, 32), (2, 32)], 64, 32, max_characters=8)
    training.save_model(encoder, folder / "encoder.keras")
    text.save_inputs(text.ElmoInputs(8), folder / "text_inputs.json")
    return folder


TOY = {
    "max_length": 16,
    "stride": 4,
    "max_question": 4,
    "max_answer": 3,
    "batch_size": 8,
    "learning_rate": 1e-3,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("save_encoder", "options"),
    [
        (save_bert, {"epochs": 12}),
        pytest.param(
            save_elmo,
            {"epochs": 25, "learning_rate": 0.005, "mix": "scalar_mix"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_file_is_learned_by_heart(
    save_encoder, options, tmp_path: Path
) -> None:
    recipe = load_recipe("finetune_squad")
    path = write_questions(tmp_path / "train.json", version_2=False)
    output = tmp_path / "run"
    results = recipe.main(
        recipe.Config(
            train=path,
            test=path,
            predict=path,
            init=save_encoder(tmp_path / "encoder"),
            output=output,
            **{**TOY, **options},
        )
    )
    assert results["exact"] > 90 and results["f1"] > 90
    assert results["baseline"]["f1"] < 50
    assert results["data"]["train"]["answers"] == 120
    predictions = json.loads((output / "predictions.json").read_text())
    content = json.loads(path.read_text())
    questions = [
        (article["paragraphs"][0]["context"], qa)
        for article in content["data"]
        for qa in article["paragraphs"][0]["qas"]
    ]
    right = sum(
        predictions[qa["id"]] == qa["answers"][0]["text"] for _, qa in questions
    )
    assert results["exact"] == pytest.approx(100 * right / 120)
    top_k = json.loads((output / "nbest_predictions.json").read_text())
    for context, qa in questions:
        rows = top_k[qa["id"]]
        assert rows[0]["text"] == predictions[qa["id"]]
        assert sum(row["probability"] for row in rows) == pytest.approx(1)
        assert all(row["text"] in context for row in rows)
    assert not (output / "null_odds.json").exists()
    written = json.loads((output / "results.json").read_text())["results"]
    assert written == json.loads(json.dumps(results))
    # Predicted again, with the saved run.
    predicted = json.loads((output / "predicted.json").read_text())
    assert predicted == predictions
    predict = load_recipe("predict")
    again = tmp_path / "again.json"
    predict.main(predict.Config(output, path, again, batch_size=7))
    assert json.loads(again.read_text()) == predictions


@pytest.mark.slow
def test_unanswerable_questions_are_told_apart(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_squad")
    path = write_questions(tmp_path / "train.json", version_2=True, copies=20)
    output = tmp_path / "run"
    config = recipe.Config(
        train=path,
        dev=path,
        test=path,
        init=save_bert(tmp_path / "encoder"),
        output=output,
        epochs=5,
        **TOY,
    )
    results = recipe.main(config)
    scores = {name: row["mean"] for name, row in results["scores"].items()}
    assert scores["f1"] > 85
    assert scores["NoAns_total"] == 80 and scores["HasAns_total"] == 240
    # Tuned on the same questions, so this is the best possible.
    assert scores["f1"] == pytest.approx(scores["best_f1"])
    odds = json.loads((output / "null_odds.json").read_text())
    predictions = json.loads((output / "predictions.json").read_text())
    assert len(odds) == len(predictions) == 320
    for name, text_ in predictions.items():
        assert (text_ == "") == (odds[name] > scores["threshold"])
    predict = load_recipe("predict")
    again = tmp_path / "again.json"
    predict.main(predict.Config(output, path, again))
    assert json.loads(again.read_text()) == predictions
    # Killed during prediction: the model is not trained again.
    folder = output / "seed_1"
    (folder / "scores.json").unlink()
    log = (folder / "metrics.jsonl").read_bytes()
    saved = (folder / "model.keras").read_bytes()
    assert recipe.main(config)["scores"] == results["scores"]
    assert (folder / "metrics.jsonl").read_bytes() == log
    assert (folder / "model.keras").read_bytes() == saved


@pytest.mark.slow  # another training
def test_chinese_is_scored_by_characters(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_squad")
    letters = "一二三四五六七八"
    inputs = text.BertInputs([*SPECIAL, *letters, "？"], 24)
    folder = tmp_path / "encoder"
    training.save_model(
        models.bert_encoder(14, 1, 1, 8, 16, max_length=24),
        folder / "encoder.keras",
    )
    text.save_inputs(inputs, folder / "text_inputs.json")
    answer = {"text": "二三四", "answer_start": -1}
    qas = [
        {"id": str(n), "question": f"{x}？", "answers": [answer]}
        for n, x in enumerate(letters)
    ]
    paragraph = {"context": letters, "qas": qas}
    path = tmp_path / "zh.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    config = recipe.Config(
        train=path,
        test=path,
        init=folder,
        output=tmp_path / "run",
        epochs=1,
        batch_size=8,
        max_question=4,
        max_answer=4,
        lora_rank=2,
    )
    results = recipe.main(config)
    predictions = json.loads(
        (tmp_path / "run" / "predictions.json").read_text()
    )
    assert results["formula"] == "CMRC 2018" and results["language"] == "zh"
    # By hand: every answer and every overlap is one run of letters.
    f1 = [
        2 * len(set(said) & set("二三四")) / (len(said) + 3)
        for said in predictions.values()
    ]
    assert results["f1"] == pytest.approx(100 * sum(f1) / 8)
    assert results["scores"]["squad_f1"]["mean"] == results["exact"]
    assert results["data"]["train"]["found"] == 8
    task = json.loads((tmp_path / "run" / "task.json").read_text())
    assert task["task"] == "question_answering" and task["language"] == "zh"
    # The encoder itself is unchanged: its updates are trained.
    trained = keras.saving.load_model(tmp_path / "run" / "model.keras")
    names = [weight.path for weight in trained.trainable_weights]
    assert any("lora" in name for name in names)
    with pytest.raises(ValueError, match="`lora_rank` or `frozen`, not both"):
        recipe.Config(train=path, lora_rank=2, frozen=True)
    with pytest.raises(ValueError, match="`language` must be a code"):
        recipe.Config(train=path, language="Chinese!")


@pytest.mark.slow
def test_a_test_file_without_answers_is_answered(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_squad")
    path = write_questions(tmp_path / "train.json", version_2=False, copies=3)
    content = json.loads(path.read_text())
    for article in content["data"]:
        for qa in article["paragraphs"][0]["qas"]:
            del qa["answers"]
    test = tmp_path / "test.json"
    test.write_text(json.dumps(content))
    options = {**TOY, "init": save_bert(tmp_path / "encoder"), "epochs": 1}
    output = tmp_path / "run"
    results = recipe.main(
        recipe.Config(train=path, test=test, output=output, **options)
    )
    assert results["f1"] is results["exact"] is results["baseline"] is None
    assert len(json.loads((output / "predictions.json").read_text())) == 36
    assert "NaN" not in (output / "results.json").read_text()
    with pytest.raises(ValueError, match=r"test\.json: at least one question"):
        recipe.Config(train=test, test=path).read()
    with pytest.raises(ValueError, match=r"test\.json: at least one question"):
        recipe.Config(train=path, test=path, dev=test).read()


def test_empty_answers_are_asked_about(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_squad")
    path = write_questions(tmp_path / "train.json", version_2=False, copies=1)
    content = json.loads(path.read_text())
    content["data"][1]["paragraphs"][0]["qas"][0]["answers"] = []
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"1 of 12 .*empty_answers.*'who 1 0'"):
        recipe.Config(train=path, test=path).read()
    found = recipe.Config(
        train=path, test=path, empty_answers="impossible"
    ).read()
    assert sum(q.is_impossible for q in found["test"]) == 1
    assert "dev" in found, "to choose the threshold by"
    found = recipe.Config(train=path, test=path, empty_answers="skip").read()
    assert not any(q.is_impossible for q in found["test"])
    assert len(found["test"]) == 12


def test_articles_are_held_out_where_no_test_is_given(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_squad")
    path = write_questions(tmp_path / "train.json", version_2=True)
    config = recipe.Config(train=path, split_articles=0.25)
    questions = config.read()
    assert {name: len(rows) for name, rows in questions.items()} == {
        **{"train": 80, "dev": 40, "test": 40}
    }
    articles = [q.article for rows in questions.values() for q in rows]
    assert len(set(articles)) == 4
    for name, rows in questions.items():
        others = [
            q.article
            for key in questions
            if key != name
            for q in questions[key]
        ]
        assert not {q.article for q in rows} & set(others)
    path = write_questions(tmp_path / "plain.json", version_2=False)
    questions = recipe.Config(train=path, split_articles=0.5).read()
    assert {name: len(rows) for name, rows in questions.items()} == {
        **{"train": 60, "test": 60}
    }


def test_baseline_by_hand() -> None:
    def answer(question: str, context: str) -> str:
        return longest_name(SquadQuestion("q", question, context))

    context = (
        "Verdi was born in Le Roncole. He wrote Aida in 1871! "
        "There stood in old Cairo Opera Garnier, of 1869?"
    )
    assert answer("When did he write, and wrote what?", context) == "Aida"
    assert answer("Where was Verdi born?", context) == "Le Roncole"
    assert answer("What stood in old Cairo?", context) == "Opera Garnier"
    assert answer("Is it red?", "it is red.") == "it is red."
    assert answer("What?", " ") == ""
    assert answer("首都是哪裡？", "人口多。首都是北京。") == "首都是北京。"


def test_patience_needs_development_questions() -> None:
    with pytest.raises(ValueError, match="`patience` needs `dev`"):
        load_recipe("finetune_squad").Config(train=Path("a"), patience=1)


@pytest.mark.quick("options0-*", "options4-*", "options5-*")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 500}, "`train` must give at least the 500 windows"),
        ({"mix": "concat_last_4"}, '`mix="concat_last_4"` needs'),
        ({"learning_rate": 0.0}, "`peak_learning_rate` must be above 0"),
        ({"top_k": 0}, "`top_k` must be at least 1"),
        ({"epochs": 0}, "`epochs` must be at least 1"),
        ({"seeds": (-1,)}, "`seeds` must be from 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    options: dict, message: str, tmp_path: Path
) -> None:
    recipe = load_recipe("finetune_squad")
    path = write_questions(tmp_path / "train.json", False, copies=1)
    init = save_bert(tmp_path / "encoder")
    output = tmp_path / "run"
    with pytest.raises(ValueError, match=message):
        recipe.main(
            recipe.Config(
                train=path, init=init, output=output, **{**TOY, **options}
            )
        )
    assert not output.exists()


def test_rows_fit_the_encoder_before_anything_is_read(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_squad")

    def config(**options):
        return recipe.Config(
            train=tmp_path / "there is none.json",
            init=tmp_path / "encoder",
            output=tmp_path / "run",
            **{"max_question": 4, "max_answer": 3, **options},
        )

    save_bert(tmp_path / "encoder")  # 40 positions
    with pytest.raises(ValueError, match="`max_length` must be at most 40"):
        recipe.main(config(max_length=41))
    with pytest.raises(ValueError, match="`max_question` and `max_answer`"):
        recipe.main(config(max_question=20, max_answer=18))
    assert not (tmp_path / "run").exists()
    assert config().load_text_inputs().max_length == 40
    assert config(max_length=10).load_text_inputs().max_length == 10
    # An ELMo reads any length; this is that of published runs.
    save_elmo(tmp_path / "encoder")
    assert config().load_text_inputs().max_length == 384
    assert config(max_length=500).load_text_inputs().max_length == 500


@pytest.mark.slow
def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    encoder = save_bert(tmp_path / "encoder", dropout=0.1)
    path = write_questions(tmp_path / "train.json", version_2=True, copies=2)
    arguments = ["--train", str(path), "--dev", str(path), "--test", str(path)]
    arguments += ["--init", str(encoder), "--epochs", "4"]
    for name, value in TOY.items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / "finetune_squad.py")]
            + ["--output", str(output), *arguments],
            stdout=subprocess.DEVNULL,
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0
    process = start(killed)
    deadline = time.monotonic() + 600  # others may be busy here
    try:
        while not training.completed_steps(killed / "seed_1"):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert not (killed / "seed_1" / "model.keras").exists()
    assert start(killed).wait() == 0
    results, predictions, weights = [], [], []
    for folder in (whole, killed):
        written = json.loads((folder / "results.json").read_text())["results"]
        results.append(written["scores"])
        predictions.append((folder / "nbest_predictions.json").read_text())
        model = keras.saving.load_model(folder / "model.keras")
        weights.append(model.get_weights())
    assert results[0] == results[1]
    assert predictions[0] == predictions[1]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
