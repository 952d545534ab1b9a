"""Unanswered questions, predicted in order for any batch size."""

import json
from pathlib import Path
from typing import Any

import keras
import pytest
from prediction_runs import INPUTS, encoder, save_run

from keras_ctx import models
from keras_ctx.data import (
    SquadQuestion,
    decode_answers,
    question_windows,
    squad_dataset,
)
from keras_ctx.predictions import predict_file
from keras_ctx.predictions.answer_lines import WindowInputs, answer_questions
from keras_ctx.predictions.model_rows import compiled

WINDOWS: dict[str, Any] = {"stride": 4, "max_question": 6, "max_answer": 3}
CONTEXTS = ["a b c d e f g h i j " * 3, "a.", "j i h g f e d c b a", ""]
QUESTIONS = [
    SquadQuestion(f"q {number} {letter}", f"{letter} ?", context)
    for number, context in enumerate(CONTEXTS)
    for letter in "abc"
]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Path, keras.Model]:
    folder = tmp_path_factory.mktemp("runs") / "run"
    model = save_run(
        folder,
        models.span_extractor(encoder()),
        task="question_answering",
        null_threshold=None,
        **WINDOWS,
    )
    return folder, model


def write(path: Path, questions: list[SquadQuestion]) -> Path:
    paragraphs = [
        {"context": q.context, "qas": [{"id": q.id, "question": q.question}]}
        for q in questions
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("batch_size", "num_questions"),
    [(3, 5), (1, 1), (64, 100)],
)
def test_batches_and_neighbours_change_no_answer(
    batch_size, num_questions, run
) -> None:
    _, model = run
    made = question_windows(QUESTIONS, INPUTS, training=False, **WINDOWS)
    dataset = squad_dataset(made, INPUTS, batch_size=64, training=False)
    expected = decode_answers(
        made,
        ((where, model(features)) for features, where in dataset),
        max_answer=3,
    )
    assert len({row.text() for row in expected}) > 3
    found = list(
        answer_questions(
            QUESTIONS,
            WindowInputs(INPUTS),
            compiled(model),
            batch_size=batch_size,
            num_questions=num_questions,
            **WINDOWS,
        )
    )
    assert [row.id for row in found] == [q.id for q in QUESTIONS]
    assert [row.text() for row in found] == [x.text() for x in expected]
    for row, other in zip(found, expected, strict=True):
        assert row.null_odds == pytest.approx(other.null_odds, abs=1e-4)


def test_official_file_one_question_a_line(run, tmp_path: Path) -> None:
    folder, _ = run
    path = write(tmp_path / "test.json", QUESTIONS)
    output = tmp_path / "out.json"
    assert predict_file(folder, path, output) == len(QUESTIONS) + 2
    answers = json.loads(output.read_text())
    assert list(answers) == [q.id for q in QUESTIONS]
    lines = output.read_text().split("\n")
    assert json.loads("{" + lines[1].rstrip(",") + "}").keys() == {"q 0 a"}
    for question in QUESTIONS:
        assert answers[question.id] in question.context
        assert len(answers[question.id].split()) <= 3
    with pytest.raises(ValueError, match="`columns` and `lines` are for texts"):
        predict_file(folder, path, output, lines=True)


@pytest.mark.slow
def test_threshold_of_the_run_decides_on_no_answer(run, tmp_path) -> None:
    folder, model = run
    path = write(tmp_path / "test.json", QUESTIONS)
    found = list(
        answer_questions(
            QUESTIONS,
            WindowInputs(INPUTS),
            compiled(model),
            batch_size=8,
            **WINDOWS,
        )
    )
    odds = sorted(row.null_odds for row in found)
    # Halfway between two: rounding does not matter.
    threshold = (odds[5] + odds[6]) / 2
    other = tmp_path / "run"
    save_run(
        other,
        models.span_extractor(encoder()),
        task="question_answering",
        null_threshold=threshold,
        **WINDOWS,
    )
    predict_file(other, path, tmp_path / "out.json")
    answers = json.loads((tmp_path / "out.json").read_text())
    silent = {row.id for row in found if row.null_odds > threshold}
    empty = {row.id for row in found if not row.text()}
    assert {name for name, text in answers.items() if not text} == (
        silent | empty
    )
    # An older run without task.json has it in its results.
    (other / "task.json").unlink()
    scores = {"threshold": {"seeds": [threshold, 7.0]}}
    (other / "results.json").write_text(
        json.dumps({"results": {"scores": scores}, "config": WINDOWS})
    )
    predict_file(other, path, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == (
        tmp_path / "out.json"
    ).read_text()
