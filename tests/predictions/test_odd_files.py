"""Odd files and folders: one output line per line, or an error message."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prediction_runs import encoder, save_run

from keras_ctx import models
from keras_ctx.predictions import (
    RunTask,
    check_file,
    predict_file,
    read_task,
)

LABELS = ("bad", "good")
TAGS = ("B-X", "I-X", "O")
# Characters that are invisible, and characters that are visible.
BLANKS = [
    *("", " \t", "\u3000", "\u00a0", "\u200b", " \u200b \ufeff"),
    *("\x0b", "\x0c", "\x1c", "\x85", "\u2028"),
]
WORDS = [
    "a",
    "b\x0bc",
    "b\x1cc\x1dd\x1e",
    "b\x85c",
    "b\u2028c\u2029d",
    "\U0001f600",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "texts"
    task: dict[str, Any] = {"task": "classification", "pair": False}
    model = models.classifier(encoder(), 2)
    save_run(folder, model, LABELS, **task, columns=["text", "label"], table={})
    return folder


# Loaded once: a load takes longer than a file.
@pytest.fixture(scope="module")
def texts(folder: Path) -> RunTask:
    return read_task(folder)


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> RunTask:
    folder = tmp_path_factory.mktemp("runs") / "words"
    layout = {"width": 2, "word": 0, "tag": 1}
    model = models.tagger(encoder(), 3)
    save_run(folder, model, TAGS, task="tagging", layout=layout)
    return read_task(folder)


def predicted(run: Path | RunTask, path: Path, **options) -> list[str]:
    output = path.parent / "out"
    number = predict_file(run, path, output, **options)
    content = output.read_bytes().decode()
    assert content.count("\n") == number
    return content.split("\n")[:-1]


@pytest.mark.parametrize(
    "start, end",
    [
        ("\ufeff", "\r\n"),
        pytest.param("", "\n", marks=pytest.mark.slow),
        pytest.param("", "\r\n", marks=pytest.mark.slow),
        pytest.param("\ufeff", "\n", marks=pytest.mark.slow),
    ],
)
def test_blank_lines_of_any_kind(start, end, texts, words, tmp_path) -> None:
    lines = [line for pair in zip(WORDS, BLANKS, strict=False) for line in pair]
    lines += [*BLANKS, "a"]
    there = [line in WORDS for line in lines]
    path = tmp_path / "a.txt"
    for last in ("", end):
        path.write_bytes((start + end.join(lines) + last).encode())
        found = predicted(texts, path, lines=True)
        assert [line != "" for line in found] == there
        found = predicted(words, path)
        assert [line != "" for line in found] == there
        for line, word in zip(found, lines, strict=True):
            if line:
                assert line.rsplit(" ", 1)[0] == word
    path.write_bytes((start + f"{end}".join(["text", *lines])).encode())
    header, *found = predicted(texts, path)
    assert header == "prediction\tbad\tgood"
    assert [line != "" for line in found] == there


@pytest.mark.parametrize(
    "content",
    [
        "",
        pytest.param("\ufeff", marks=pytest.mark.slow),
        pytest.param("\n", marks=pytest.mark.slow),
        "\n\u200b\n \n\u3000",
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.tsv", "a.csv", "a.jsonl"])
def test_files_without_any_text(content, name, texts, words, tmp_path) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    expected = [""] * len(content.split("\n"))
    if content.endswith("\n") or not content:
        del expected[-1]
    assert predicted(texts, path) == expected
    assert predicted(words, path) == expected
    check_file(path, {"task": "tagging"})
    check_file(path, {"task": "classification", "columns": ["text", "label"]})


def test_rows_of_a_list_in_json(texts, words, tmp_path: Path) -> None:
    rows = [{"text": text} for text in ("a", "b", "c d")]
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(map(json.dumps, rows)))
    expected = predicted(texts, lines)
    assert len(set(expected)) == 3
    path = tmp_path / "a.json"
    for content in (
        json.dumps(rows),
        json.dumps(rows, indent=1),
        "\n\n" + json.dumps(rows) + "\n\n",
    ):
        path.write_text(content)
        assert predicted(texts, path) == expected
    path.write_text(json.dumps([{"tokens": ["a"]}, {"tokens": ["b", "c"]}]))
    found = [json.loads(line)["tokens"] for line in predicted(words, path)]
    assert found == [["a"], ["b", "c"]]


def test_blank_lines_between_lines_of_json(words, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    row = '{"tokens": ["a"]}'
    path.write_text(f"\n{row}\n\u200b\n\u3000\n{row}\n\n \n")
    found = predicted(words, path)
    assert [line != "" for line in found] == [0, 1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": ["a", "b"]}', "'text' must be a text. Join the words"),
        ('{"text": {"a": "b"}}', "'text' must be a text"),
        ('{"text": "a", "text": "b"}', "'text' stands twice"),
        ('{"x": "a"}', "`columns` must be keys of every row"),
        ('{"text": "\\ud800"}', "half of a surrogate pair"),
        ('["a"]', "must be a JSON object|complete JSON object"),
    ],
)
def test_json_that_is_no_text(line, message, texts, tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    for start in ("", '{"text": "a"}\n'):
        path.write_text(start + line)
        with pytest.raises(ValueError, match=message) as error:
            predicted(texts, path)
        assert "--lines" not in str(error.value)
    assert not (tmp_path / "out").exists()
    task = {"task": "classification", "columns": ["text", "label"]}
    with pytest.raises(ValueError, match=message):
        check_file(path, task)


def test_numbers_and_nothing_are_texts_in_json(texts, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": 5}\n{"text": "5"}\n{"text": null}\n{"text": ""}')
    a, b, c, d = predicted(texts, path)
    assert a == b and c == d and a != c


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"tokens": "a b"}', "must be a list of words"),
        ('{"tokens": null}', "must be a list of words"),
        ('{"tokens": ["a", 5]}', "a word must be a string .*: 5"),
        ('{"tokens": ["a", ""]}', "a word must be a string that is not empty"),
        ('{"tokens": [["a"]]}', "a word must be a string"),
        ('{"tokens": ["a"], "tokens": ["b"]}', "stands twice"),
    ],
)
def test_json_that_is_no_list_of_words(line, message, words, tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"tokens": ["a"]}\n' + line)
    with pytest.raises(ValueError, match=f"a.jsonl, line 2: .*{message}"):
        predicted(words, path)
    with pytest.raises(ValueError, match=message):
        check_file(path, {"task": "tagging"})


def test_output_that_would_replace_what_is_read(folder, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\n")
    linked = tmp_path / "linked.txt"
    linked.symlink_to(path)
    (tmp_path / "folder").mkdir()
    for output, message in (
        (path, "would replace .*a.txt"),
        (linked, "would replace .*a.txt"),
        (folder / "model.keras", "would replace .*model.keras"),
        (tmp_path / "folder", "must name a file"),
    ):
        with pytest.raises(ValueError, match=f"`output` .*{message}"):
            predict_file(folder, path, output, lines=True)
    assert path.read_text() == "a\n"
    with pytest.raises(OSError):
        predict_file(folder, path, path / "out.tsv", lines=True)


def test_a_run_that_has_not_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\n")
    run = tmp_path / "run"
    save_run(run, models.classifier(encoder(), 2), LABELS)
    (run / "settings.json").write_text("{}")
    with pytest.raises(ValueError, match="finished run.*resumes"):
        predicted(run, path)
    (run / "model.keras").unlink()
    with pytest.raises(ValueError, match="finished run.*resumes"):
        predicted(run, path)
    (run / "settings.json").unlink()
    with pytest.raises(FileNotFoundError, match="of a fine-tuning recipe"):
        predicted(run, path)
    # A finished pretraining run is of another kind.
    (run / "settings.json").write_text("{}")
    (run / "encoder.keras").write_text("")
    with pytest.raises(FileNotFoundError, match="pretraining run.* --init"):
        predicted(run, path)


def test_files_of_a_run_that_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\n")
    run = tmp_path / "run"
    save_run(run, models.classifier(encoder(), 2), LABELS)
    content = (run / "model.keras").read_bytes()
    (run / "model.keras").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="model.keras: the file is not a"):
        predicted(run, path)
    (run / "model.keras").write_bytes(content)
    (run / "task.json").write_text('{"task": "tagging", "task": "regression"}')
    with pytest.raises(ValueError, match="task.json: .*'task' stands twice"):
        predicted(run, path)


def test_standard_input_of_json_lines(
    texts, words, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def asked(run: RunTask, content: str, **options) -> list[str]:
        stdin = SimpleNamespace(buffer=io.BytesIO(content.encode()))
        monkeypatch.setattr(sys, "stdin", stdin)
        capsys.readouterr()
        predict_file(run, "-", **options)
        return capsys.readouterr().out.split("\n")[:-1]

    blank, found = asked(words, '\n{"tokens": ["a", "b"]}\n')
    assert blank == "" and json.loads(found)["tokens"] == ["a", "b"]
    assert len(asked(texts, '\ufeff{"text": "a"}\n{"text": "b\\n"}')) == 2
    assert len(asked(texts, '{"text": "a"}\nb\n', lines=True)) == 2
    assert [line[0] for line in asked(words, "{\n}\n")] == ["{", "}"]
    with pytest.raises(ValueError, match="standard_input_.*jsonl, line 1"):
        asked(words, '{"tokens": "a b"}\n')


def test_texts_in_another_encoding(texts, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("caf\u00e9\n".encode("latin-1"))
    with pytest.raises(ValueError, match="iconv -f ISO.*--encoding latin-1"):
        predicted(texts, path, lines=True)
    (found,) = predicted(texts, path, lines=True, encoding="latin-1")
    path.write_text("caf\u00e9\n", "utf-8")
    assert predicted(texts, path, lines=True) == [found]
    with pytest.raises(ValueError, match="a.txt: `encoding` .* It is UTF-8"):
        predicted(texts, path, lines=True, encoding="latin-1")


def test_a_tab_in_one_of_the_texts(texts, tmp_path: Path) -> None:
    # The advice works with predict.py.
    path = tmp_path / "a.txt"
    path.write_text("a\nb\tc\n")
    with pytest.raises(ValueError, match="line 2: .* --lines") as error:
        predicted(texts, path, columns=["0"])
    assert "ragged_rows" not in str(error.value)
    assert len(predicted(texts, path, lines=True)) == 2


def test_what_was_cut_and_how_a_table_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    task: dict[str, Any] = {"task": "classification", "pair": False}
    model = models.classifier(encoder(), 2)
    save_run(tmp_path / "run", model, LABELS, **task, columns=["0", "1"])
    path = tmp_path / "a.tsv"
    path.write_text("a\t1\n" + "b " * 23 + "\t2\n" + "c " * 22 + "\t3\n")
    predicted(tmp_path / "run", path)
    said = capsys.readouterr().err
    assert "a table of 2 columns, the texts in column 0" in said
    assert "`lines` (predict.py --lines)" in said
    assert "1 of 3 texts are longer than 24 tokens and are cut." in said
    predicted(tmp_path / "run", path, columns=["0"])
    assert "table" not in capsys.readouterr().err
    path.write_text("a\nb\n")
    predicted(tmp_path / "run", path)
    assert not capsys.readouterr().err
