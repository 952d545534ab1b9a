"""Tagged sentences in JSON, as in Hugging Face's datasets."""

import gzip
import json
from pathlib import Path

import pytest

from keras_ctx.data.tags.json_tags import read_json_tags

ROWS = [
    {"id": "0", "tokens": ["In", "Rome"], "ner_tags": ["O", "B-LOC"]},
    {"id": "1", "tokens": ["Yes"], "ner_tags": ["O"]},
]


@pytest.fixture
def write(tmp_path: Path):
    def write_rows(rows, name: str = "a.jsonl") -> Path:
        path = tmp_path / name
        content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        path.write_bytes(
            gzip.compress(content) if name.endswith("gz") else content
        )
        return path

    return write_rows


def read(path: Path, *arguments) -> list:
    files, _ = read_json_tags([path], *arguments)
    return [(s.words, s.tags) for s in files[str(path)]]


def test_lines_and_lists(write, tmp_path) -> None:
    expected = [(["In", "Rome"], ["O", "B-LOC"]), (["Yes"], ["O"])]
    assert read(write(ROWS)) == expected
    assert read(write(ROWS, "a.jsonl.gz")) == expected
    assert read(write([ROWS], "a.json")) == expected
    numbers = [
        {**row, "ner_tags": [0, 2][: len(row["tokens"])]} for row in ROWS
    ]
    assert read(write(numbers), None, ["O", "B-PER", "B-LOC"]) == expected
    # An empty sentence is skipped.
    assert read(write([*ROWS, {"tokens": [], "ner_tags": []}])) == expected


def test_keys_that_must_be_said(write) -> None:
    path = write([{**row, "pos_tags": row["ner_tags"]} for row in ROWS])
    with pytest.raises(ValueError, match="a.jsonl, line 1: .*`columns`"):
        read(path)
    assert read(path, ["tokens", "ner_tags"])[1] == (["Yes"], ["O"])


@pytest.mark.parametrize(
    "row, message",
    [
        ({"tokens": ["a"], "ner_tags": []}, "line 3: .* 1 words and 0 tags"),
        ({"tokens": ["a"]}, "line 3: .* a list at 'ner_tags'"),
        ({"tokens": [""], "ner_tags": ["O"]}, "line 3: a word must be"),
        ({"tokens": ["a"], "ner_tags": [""]}, "line 3: a tag must be"),
        ({"tokens": ["a"], "ner_tags": [1]}, "line 3: .*`--tag-names"),
        ({"tokens": ["a"], "ner_tags": [-100]}, "line 3: a tag must be"),
        ({"text": "a", "label": [[0, 1, "X"]]}, "line 3: .* a list at"),
    ],
)
def test_rows_that_are_refused(row, message, write) -> None:
    with pytest.raises(ValueError, match=message):
        read(write([*ROWS, row]))


def test_number_without_a_name(write) -> None:
    path = write([{"tokens": ["a"], "ner_tags": [2]}])
    with pytest.raises(ValueError, match="Received: 2, and 2 names"):
        read(path, None, ["O", "B-X"])


def test_spans_of_characters_are_refused(write) -> None:
    path = write([{"text": "In Rome", "label": [[3, 7, "LOC"]]}])  # doccano
    with pytest.raises(ValueError, match="a list of words .*the keys .*'text'"):
        read(path)
    with pytest.raises(ValueError, match="the file holds no text"):
        read(write([]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"tokens": ["a"], "tokens": ["b"], "t": ["O"]}', "'tokens' .* twice"),
        ('{"tokens": ["\\ud800"], "t": ["O"]}', "a word must be a string"),
    ],
)
def test_keys_twice_and_halves_of_characters(line, message, tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"tokens": ["a"], "t": ["O"]}\n' + line)
    with pytest.raises(ValueError, match=f"a.jsonl, line 2: .*{message}"):
        read(path)
