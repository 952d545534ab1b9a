"""Questions in all published layouts; refusal of others."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from squad_files import squad

from keras_ctx.data import SquadAnswer, SquadQuestion, read_squad


def write(path: Path, content) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


ROW = {
    "id": "q1",
    "title": "Italy",
    "context": "In Rome.",
    "question": "Where?",
    "answers": {"text": ["Rome", "In Rome"], "answer_start": [3, 0]},
}
ROW_QUESTION = SquadQuestion(
    *("q1", "Where?", "In Rome."),
    (SquadAnswer("Rome", 3), SquadAnswer("In Rome", 0)),
    article="Italy",
)


def test_rows_as_hugging_face_writes_them(tmp_path: Path) -> None:
    other = {**ROW, "id": "q2", "answers": {"text": [], "answer_start": []}}
    expected = [ROW_QUESTION, replace(ROW_QUESTION, id="q2", answers=())]
    path = tmp_path / "rows.json"
    for content in ([ROW, other], {"data": [ROW, other]}):
        assert read_squad(write(path, content)) == expected
    # JSON lines, with a blank one.
    path.write_text(f"{json.dumps(ROW)}\n\n{json.dumps(other)}\n")
    assert read_squad(path) == expected
    path.write_text(f"{json.dumps(ROW)}\n")
    assert read_squad(path) == expected[:1]
    path.write_text(f"{json.dumps(ROW)}\n\n{{'id': 3}}\n")
    with pytest.raises(ValueError, match=r"rows\.json, line 3: every line"):
        read_squad(path)
    del other["context"]
    path.write_text(f"{json.dumps(ROW)}\n\n{json.dumps(other)}\n")
    with pytest.raises(ValueError, match=r"`line 3` must have the key"):
        read_squad(path)
    wrong = {**ROW, "answers": {"text": ["Rome"], "answer_start": []}}
    with pytest.raises(ValueError, match=r"`\[0\]\.answers` .*starts as texts"):
        read_squad(write(path, [wrong]))


def test_first_layout_of_cmrc_2018(tmp_path: Path) -> None:
    asked = {
        "query_id": "Q0",
        "query_text": "哪裡？",
        "answers": ["武汉", "汉"],
    }
    text = {"context_id": "T0", "context_text": "在武汉。", "qas": [asked]}
    path = write(tmp_path / "cmrc.json", [{**text, "title": "江"}])
    answers = SquadAnswer("武汉", -1), SquadAnswer("汉", -1)
    assert read_squad(path) == [
        SquadQuestion("Q0", "哪裡？", "在武汉。", answers, article="江")
    ]
    asked["answers"] = [{"text": "武汉"}]
    with pytest.raises(ValueError, match=r"answers\[0\]` must be a string"):
        read_squad(write(path, [text]))


def test_questions_to_predict_have_no_answers(tmp_path: Path) -> None:
    content = squad()
    qas = [
        qa
        for article in content["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    for qa in qas:
        del qa["answers"]
    path = write(tmp_path / "test.json", content)
    questions = read_squad(path)
    assert len(questions) == len(qas)
    assert not any(q.answers or q.is_impossible for q in questions)
    # Mixing some with and some without is refused, in either order.
    qas[-1]["answers"] = []
    with pytest.raises(ValueError, match=r"qas\[2\]` must have no 'answers'"):
        read_squad(write(path, content))


def test_numbers_as_ids_and_null_titles(tmp_path: Path) -> None:
    content = squad()
    content["data"][0]["title"] = None
    content["data"][0]["paragraphs"][0]["qas"][0]["id"] = 7
    questions = read_squad(write(tmp_path / "small.json", content))
    assert questions[0].id == "7" and questions[0].article == "article 0"
    content["data"][0]["paragraphs"][0]["qas"][1]["id"] = "7"
    with pytest.raises(ValueError, match=r"'7' twice.*\[0\]\.qas\[1\]"):
        read_squad(write(tmp_path / "small.json", content))


def test_half_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    content = squad()
    content["data"][0]["paragraphs"][0]["context"] = "\ud83d is half"
    path = tmp_path / "small.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"\[0\]\.context` .*surrogate"):
        read_squad(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"questions": []}, "key 'data'. Received: the keys 'questions'"),
        ([{"text": "a", "label": 1}], "'paragraphs'. Received: the keys 'te"),
        ("text", "must be an object. Received: str"),
        ({"header": 1}, "'data'. Received: the keys 'header'"),
    ],
)
def test_other_json_is_refused_with_its_keys(content, message, tmp_path):
    path = write(tmp_path / "other.json", content)
    with pytest.raises(ValueError, match=message) as error:
        read_squad(path)
    assert "context_text" in str(error.value), "the layouts that are known"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"data": [\n{"paragraphs": [], "paragraphs": []}]}',
            "twice.* line 2",
        ),
        ('{"id": "1"}\n\u200b\n{"id": "2", "id": "3"}', "line 3: .* twice"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_json_that_is_refused_with_its_line(content, message, tmp_path):
    path = tmp_path / "small.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"small.json.*{message}"):
        read_squad(path)
