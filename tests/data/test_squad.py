"""Files in SQuAD's format: reading and refusals."""

import gzip
import json
from pathlib import Path

import pytest
from squad_files import ARTICLES, IMPOSSIBLE, NUM_ANSWERS, squad, write_squad

from keras_ctx.data import (
    SquadAnswer,
    SquadQuestion,
    read_squad,
    split_articles,
)


def test_everything_is_read_in_order(tmp_path: Path) -> None:
    questions = read_squad(write_squad(tmp_path / "small.json"))
    expected = [
        (name, question, context, title, answers)
        for title, contexts in ARTICLES.items()
        for context, rows in contexts
        for name, question, answers in rows
    ]
    assert [
        (q.id, q.question, q.context, q.article, [a.text for a in q.answers])
        for q in questions
    ] == expected
    assert sum(len(q.answers) for q in questions) == NUM_ANSWERS
    for question in questions:
        assert not question.is_impossible
        for text, start in question.answers:
            assert question.context[start:].startswith(text)


def test_version_2_and_gzip_and_byte_order_mark(tmp_path: Path) -> None:
    plain = write_squad(tmp_path / "small.json", version_2=True)
    packed = tmp_path / "small.json.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + plain.read_bytes()))
    questions = read_squad(packed)
    assert questions == read_squad(str(plain))
    impossible = [(q.id, q.article, q.question) for q in questions]
    assert [
        row
        for row, q in zip(impossible, questions, strict=True)
        if q.is_impossible
    ] == IMPOSSIBLE
    assert all(bool(q.answers) != q.is_impossible for q in questions)


def test_file_without_title_is_read(tmp_path: Path) -> None:
    content = squad()
    for article in content["data"]:
        del article["title"]
    path = tmp_path / "small.json"
    path.write_text(json.dumps(content))
    titles = {question.article for question in read_squad(path)}
    assert titles == {"article 0", "article 1", "article 2"}


def without(*keys: str | int):
    """Returns the small file without the key at the end of a path."""

    def change(content):
        node = content
        for key in keys[:-1]:
            node = node[key]
        del node[keys[-1]]

    return change


def replaced(value, *keys: str | int):
    def change(content):
        node = content
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = value

    return change


QA = ("data", 0, "paragraphs", 1, "qas", 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("data"), "the file must have the key 'data'. Received: the "),
        (
            without("data", 1, "paragraphs"),
            "`data[1]` must have the key 'paragraphs'. Received: the keys "
            "'title'.",
        ),
        (
            without("data", 0, "paragraphs", 1, "context"),
            "`data[0].paragraphs[1]` must have the key 'context'",
        ),
        (
            without(*QA, "id"),
            "`data[0].paragraphs[1].qas[2]` must have the key 'id'. Received: "
            "the keys 'question', 'answers'.",
        ),
        (
            without(*QA, "answers"),
            "`data[0].paragraphs[1].qas[2]` must have the key 'answers'",
        ),
        (
            without(*QA, "answers", 1, "answer_start"),
            "`data[0].paragraphs[1].qas[2].answers[1]` must have the key "
            "'answer_start'. Received: the keys 'text'.",
        ),
        (
            replaced(True, *QA, "answers", 0, "answer_start"),
            "`data[0].paragraphs[1].qas[2].answers[0].answer_start` must be "
            "an integer. Received: True.",
        ),
        (
            replaced(7.5, *QA, "id"),
            "`data[0].paragraphs[1].qas[2].id` must be a string. Received: 7.5",
        ),
        (
            replaced({}, "data"),
            "`data` must be a list. Received: {}.",
        ),
        (
            replaced("no", *QA, "is_impossible"),
            "qas[2].is_impossible` must be true or false. Received: 'no'.",
        ),
        (
            replaced(True, *QA, "is_impossible"),
            "`data[0].paragraphs[1].qas[2].answers` must be empty if "
            "`is_impossible` is true. Received: 2 answers.",
        ),
        (
            replaced("first", *QA, "id"),
            "every question must have its own id, which identifies its answer"
            ". Received: 'first' twice",
        ),
        (replaced([], "data"), "the file must hold at least one question"),
        (
            replaced(["x"], "data", 0, "paragraphs"),
            "`data[0].paragraphs[0]` must be an object. Received: str.",
        ),
    ],
)
def test_refused_with_the_place(change, message: str, tmp_path: Path) -> None:
    content = squad()
    change(content)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError) as error:
        read_squad(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = write_squad(tmp_path / "whole.json").read_bytes()
    path = tmp_path / "cut.json"
    path.write_bytes(whole[:100])
    with pytest.raises(ValueError, match="cut.json: .* JSON in UTF-8.*line 1"):
        read_squad(path)
    path.write_bytes(b"[]")
    with pytest.raises(ValueError, match="the file must be an object.*list"):
        read_squad(path)
    path.write_bytes(whole[:100] + b"\xff")
    with pytest.raises(ValueError, match="JSON in UTF-8.*0xff"):
        read_squad(path)
    path = tmp_path / "cut.json.gz"
    for content in (gzip.compress(whole)[:-20], whole):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a complete gzip stream"):
            read_squad(path)
    with pytest.raises(FileNotFoundError, match="`path` must name a file"):
        read_squad(tmp_path / "none.json")


def questions_of(titles: str) -> list[SquadQuestion]:
    return [
        SquadQuestion(str(n), "?", "x", (SquadAnswer("x", 0),), article=title)
        for n, title in enumerate(titles)
    ]


def test_articles_are_held_out_whole() -> None:
    questions = questions_of("aabacbbdddeeffgghhiijj")
    kept, held_out = split_articles(questions, 0.2, seed=3)
    assert sorted(kept + held_out, key=lambda q: int(q.id)) == questions
    assert not {q.article for q in kept} & {q.article for q in held_out}
    assert len({q.article for q in held_out}) == 2  # of ten
    assert kept == [q for q in questions if q in kept], "their order"
    assert split_articles(questions, 0.2, seed=3) == (kept, held_out)
    # Titles are chosen: other questions on them change nothing.
    fewer = [q for q in questions if q.id not in ("1", "7")]
    assert {q.article for q in split_articles(fewer, 0.2, seed=3)[1]} == {
        q.article for q in held_out
    }
    chosen = {
        tuple(q.id for q in split_articles(questions, 0.2, seed=seed)[1])
        for seed in range(8)
    }
    assert len(chosen) > 3


@pytest.mark.parametrize(("share", "number"), [(0.01, 1), (0.5, 2), (0.99, 2)])
def test_there_is_always_something_on_both_sides(share, number) -> None:
    _, held_out = split_articles(questions_of("abc"), share)
    assert len(held_out) == number


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_share_is_checked(share) -> None:
    with pytest.raises(ValueError, match="`share` must be above 0"):
        split_articles(questions_of("ab"), share)


def test_one_article_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="3 questions of 1"):
        split_articles(questions_of("aaa"), 0.5)
