"""Predictions of a trained model, and their scores, by single examples."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ctx import data, fine_tuning, models, text

WORDS = ["a", "bb", "ccc", "a bb", "bb ccc a", "ccc a", "bb a bb a"]
INPUTS = text.ElmoInputs(max_characters=6)


def encoder(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return models.elmo_encoder([(1, 4), (2, 4)], 6, 4, max_characters=6)


@pytest.mark.quick("True")
@pytest.mark.parametrize("pairs", [False, True])
def test_texts_are_in_their_order(pairs: bool) -> None:
    model = models.classifier(encoder(1), 2)
    model.compile()
    second = WORDS[::-1] if pairs else None
    labels = ["no", "yes"] * 3 + ["no"]
    rows = data.LabelledTexts(
        Path("a.tsv"), list(range(7)), WORDS, second, labels
    )
    task = data.Classification(["no", "yes"])
    found = fine_tuning.predict_texts(model, rows, task, INPUTS, 2)
    for number, row in enumerate(found):
        parts = [[WORDS[number]], *([[second[number]]] if second else [])]
        alone = np.asarray(model(INPUTS(*parts))["logits"])[0]
        np.testing.assert_allclose(row, alone, atol=1e-5)


@pytest.mark.slow
@pytest.mark.quick("False")
@pytest.mark.parametrize("crf", [False, True])
def test_tags_are_in_their_order(crf: bool) -> None:
    labels = ["O", "B-X", "I-X"]
    model = models.tagger(encoder(2), 3, crf=crf)
    sentences = [line.split() for line in WORDS]
    found = fine_tuning.predict_tags(model, sentences, labels, INPUTS, 2)
    for words, tags in zip(sentences, found, strict=True):
        outputs = model(INPUTS([" ".join(words)]))
        best = outputs["tags"] if crf else outputs["logits"].numpy().argmax(-1)
        assert tags == [labels[i] for i in np.asarray(best)[0]]


@pytest.mark.slow
def test_constraints_hold(capsys) -> None:
    labels = ["B-X", "I-X", "O"]
    allowed = data.allowed_transitions(labels)
    sentences = [line.split() for line in WORDS]
    # Without the constraints, some of many draws would begin with I-X.
    for seed in range(4):
        model = models.tagger(encoder(seed), 3, crf=True, constraints=allowed)
        for tags in fine_tuning.predict_tags(
            model, sentences, labels, INPUTS, 4
        ):
            for before, tag in zip(["O", *tags], tags, strict=False):
                assert tag != "I-X" or before in ("B-X", "I-X")


def test_majority_by_hand() -> None:
    def rows(*labels: str) -> data.LabelledTexts:
        texts = ["a"] * len(labels)
        lines = list(range(len(labels)))
        return data.LabelledTexts(Path("a"), lines, texts, None, list(labels))

    task = data.Classification(["x", "y", "z"])
    found = fine_tuning.majority_scores(
        task, rows("y", "z", "z"), rows("z", "y", "z", "x")
    )
    assert found["accuracy"] == 0.5
    several = data.MultiLabel(["x", "y"])
    # Two of three texts have x, one has y: the majority is x.
    found = fine_tuning.majority_scores(
        several, rows("x", "x,y", ""), rows("x", "y")
    )
    assert found["f1_micro"] == pytest.approx(0.5)
    numbers = data.Regression()
    found = fine_tuning.majority_scores(
        numbers, rows("1", "2"), rows("1", "2", "4")
    )
    assert found["pearson"] == 0


def questions() -> list[data.SquadQuestion]:
    """Returns two questions with an answer, one without."""
    two = (data.SquadAnswer("two", 4),)
    return [
        data.SquadQuestion("1", "which ?", "one two three", two),
        data.SquadQuestion("2", "what ?", "six two ten", two),
        data.SquadQuestion("3", "why ?", "one ten", (), is_impossible=True),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("null", [True, False])
def test_answers(null: bool, tmp_path: Path) -> None:
    asked = questions() if null else questions()[:2]
    inputs = INPUTS.with_settings(max_length=9)
    windows = data.question_windows(
        asked, inputs, training=False, max_question=3
    )
    scorer = fine_tuning.AnswerScorer(
        {"train": windows, "dev": windows, "test": windows},
        data.answer_metrics("en"),
        inputs,
        batch_size=2,
        top_k=3,
        max_answer=2,
    )
    model = models.span_extractor(encoder(3))
    scores = scorer.test_scores(model, tmp_path)
    said = json.loads((tmp_path / "predictions.json").read_text())
    right = [
        said[question.id]
        == (question.answers[0].text if question.answers else "")
        for question in asked
    ]
    assert scores["exact"] == pytest.approx(100 * np.mean(right))
    assert (
        ("threshold" in scores)
        == null
        == (tmp_path / "null_odds.json").exists()
    )
    # Development and test questions are the same.
    assert scorer.development_f1(model) == pytest.approx(scores["f1"])
    if null:
        odds = json.loads((tmp_path / "null_odds.json").read_text())
        for name, answer in said.items():
            assert (answer == "") == (odds[name] > scores["threshold"])
        assert scores["best_f1"] == pytest.approx(scores["f1"])


def test_a_test_file_without_answers(tmp_path: Path) -> None:
    inputs = INPUTS.with_settings(max_length=9)
    asked = [data.SquadQuestion("1", "which ?", "one two three")]
    windows = data.question_windows(
        asked, inputs, training=False, max_question=3
    )
    scorer = fine_tuning.AnswerScorer(
        {"test": windows}, data.answer_metrics("en"), inputs, batch_size=2
    )
    model = models.span_extractor(encoder(3))
    assert scorer.test_scores(model, tmp_path) == {}
    assert list(json.loads((tmp_path / "predictions.json").read_text())) == [
        "1"
    ]


def test_saved_files(tmp_path: Path) -> None:
    first, output = tmp_path / "seed_1", tmp_path / "run"
    first.mkdir()
    output.mkdir()
    for name in ("a_predictions.json", "predictions.json", "log.txt"):
        (first / name).write_text(name)
    options = fine_tuning.FineTuningOptions(output=output)
    fine_tuning.save_run(
        *(options, first, ["*predictions.json", "null_odds.json"], INPUTS),
        *({"task": "tagging"}, {"f1": 0.5}, ["I", "O"]),
    )
    assert sorted(path.name for path in output.iterdir()) == [
        *("a_predictions.json", "labels.txt", "predictions.json"),
        *("results.json", "task.json", "text_inputs.json"),
    ]
    assert (output / "labels.txt").read_text() == "I\nO\n"
    written = json.loads((output / "results.json").read_text())
    assert written["results"] == {"f1": 0.5}
    assert written["config"]["epochs"] == 3
