"""Untagged words: one output line per line, in the scheme of the run."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from prediction_runs import INPUTS, encoder, save_run

from keras_ctx import models
from keras_ctx.data import allowed_transitions
from keras_ctx.predictions import predict_file

LABELS = ("B-X", "I-X", "O")
SENTENCES = [["a", "bc", "d"], ["e"], ["f", "gh", "ij", "a", "b", "."]]
BIOES = {"scheme": "BIOES", "tag_scheme": {"name": "BIOES"}}


def pieces(words: list[str]) -> list[int]:
    """Returns where words begin; all letters but the first are unknown."""
    places, place = [], 1
    for word in words:
        places.append(place)
        lengths = INPUTS.word_lengths(tf.ragged.constant([[word]]))
        place += int(lengths.numpy()[0][0])
    return places


def logits(words: list[str], model) -> np.ndarray:
    """Returns logits of the words of a single sentence."""
    outputs = model(INPUTS(tf.ragged.constant([words])), training=False)
    return np.asarray(outputs["logits"])[0][pieces(words)]


def spelled(words: list[str], model) -> list[str]:
    """Returns the tags of one sentence in IOB2, from the logits."""
    return [LABELS[best] for best in logits(words, model).argmax(-1)]


def spread(model) -> None:
    """Makes tags differ: random weights would prefer a single tag."""
    found = np.concatenate([logits(words, model) for words in SENTENCES])
    head = model.get_layer("logits")
    kernel, bias = head.get_weights()
    deviation = found.std(0)
    bias = (bias - found.mean(0)) / deviation + [-0.25, -0.75, 0]
    head.set_weights([kernel / deviation, bias])


def in_bioes(tags: list[str]) -> list[str]:
    """Converts exact spans to BIOES by hand."""
    found = ["O"] * len(tags)
    start = None
    for place, tag in enumerate([*tags, "O"]):
        if tag == "I-X" and start is not None:
            continue
        if start is not None:
            length = place - start
            letters = ["S"] if length == 1 else ["B", *"I" * (length - 2), "E"]
            found[start:place] = [f"{letter}-X" for letter in letters]
        start = place if tag == "B-X" else None
    return found


def tagged(run: Path, path: Path, **options) -> list[str]:
    output = run.parent / "out.conll"
    number = predict_file(run, path, output, **options)
    lines = output.read_text("utf-8").split("\n")
    assert len(lines) == number + 1 and lines[-1] == ""
    return lines[:-1]


@pytest.fixture
def run(tmp_path: Path):
    model = save_run(
        tmp_path / "run",
        models.tagger(encoder(), 3),
        LABELS,
        task="tagging",
        layout={"width": 4, "word": 1, "tag": 3},
        **BIOES,
    )
    spread(model)
    model.save(tmp_path / "run" / "model.keras")
    return tmp_path / "run", model


@pytest.mark.parametrize(
    "batch_size", [1, pytest.param(32, marks=pytest.mark.slow)]
)
def test_words_alone_and_in_columns(batch_size: int, run) -> None:
    folder, model = run
    tags = [in_bioes(spelled(words, model)) for words in SENTENCES]
    assert {"O", "B-X", "E-X", "S-X"} == {tag for row in tags for tag in row}
    expected = [
        *(f"{w} {t}" for w, t in zip(SENTENCES[0], tags[0], strict=True)),
        "",
        "",
        *(f"{w} {t}" for w, t in zip(SENTENCES[1], tags[1], strict=True)),
        "",
        *(f"{w} {t}" for w, t in zip(SENTENCES[2], tags[2], strict=True)),
        "",
    ]
    path = folder.parent / "words.txt"
    a, b, c = ("\n".join(words) for words in SENTENCES)
    path.write_text(f"{a}\n\n\n{b}\n\n{c}\n\n")
    assert tagged(folder, path, batch_size=batch_size) == expected
    # With the columns of the training files, with and without the tag.
    for last in (" O", ""):
        a, b, c = (
            "\n".join(f"{n} {w} NN{last}" for n, w in enumerate(words))
            for words in SENTENCES
        )
        path.write_text(f"{a}\n\n\n{b}\n\n{c}\n\n")
        assert tagged(folder, path, batch_size=batch_size) == expected
    path.write_text(f"# text = a b\n{a}\n-DOCSTART- -X- O\n{b}\n")
    lines = tagged(folder, path)
    assert [lines[0], lines[4]] == ["# text = a b", "-DOCSTART- -X- O"]
    assert lines[1:4] + lines[5:] == expected[:3] + expected[5:6]
    path.write_text("a b\n")
    with pytest.raises(
        ValueError, match="line 1: a line must hold only a word"
    ):
        tagged(folder, path)
    with pytest.raises(ValueError, match="`columns` and `lines` are for texts"):
        tagged(folder, path, lines=True)


def test_json_lines(run) -> None:
    folder, model = run
    path = folder.parent / "words.jsonl"
    path.write_text(
        "\n".join(json.dumps({"tokens": x}) for x in [*SENTENCES, []]) + "\n"
    )
    found = [json.loads(line) for line in tagged(folder, path)]
    assert [row["tokens"] for row in found] == [*SENTENCES, []]
    for row in found[:-1]:
        assert row["tags"] == in_bioes(spelled(row["tokens"], model))
    assert found[-1]["tags"] == []


def test_words_behind_the_cut_are_counted(run, capsys) -> None:
    folder, _ = run
    words = list("abcdefghij" * 3)
    path = folder.parent / "words.txt"
    path.write_text("\n".join(words))
    lines = tagged(folder, path)
    assert [line.split()[0] for line in lines] == words
    # 24 positions, two of them [CLS] and [SEP].
    assert [line.split()[1] for line in lines[22:]] == ["O"] * 8
    assert capsys.readouterr().err.startswith("8 words exceed")


def test_crf_with_constraints(tmp_path: Path) -> None:
    model = save_run(
        tmp_path / "run",
        models.tagger(
            encoder(), 3, crf=True, constraints=allowed_transitions(LABELS)
        ),
        LABELS,
        task="tagging",
        tag_scheme={"name": "IOB2"},
    )
    path = tmp_path / "words.txt"
    path.write_text("\n\n".join("\n".join(words) for words in SENTENCES))
    found = "\n".join(tagged(tmp_path / "run", path)).split("\n\n")
    for words, block in zip(SENTENCES, found, strict=True):
        outputs = model(INPUTS(tf.ragged.constant([words])), training=False)
        first = np.zeros(outputs["logits"].shape[:2], bool)
        first[0, pieces(words)] = True
        best, _ = model.get_layer("crf").best_path(outputs["logits"], first)
        expected = [LABELS[i] for i in np.asarray(best)[0][first[0]]]
        assert [line.split()[1] for line in block.split("\n")] == expected
        assert "I-X" not in (expected[0], expected[:1])
        for one, other in zip(expected, expected[1:], strict=False):
            assert other != "I-X" or one != "O"


@pytest.mark.slow
def test_an_older_run_tags_as_its_labels(tmp_path: Path) -> None:
    model = save_run(tmp_path / "run", models.tagger(encoder(), 3), LABELS)
    path = tmp_path / "words.txt"
    path.write_text("\n".join(SENTENCES[2]))
    lines = tagged(tmp_path / "run", path)
    assert [line.split()[1] for line in lines] == spelled(SENTENCES[2], model)


@pytest.mark.slow
def test_columns_in_another_encoding(tmp_path: Path) -> None:
    save_run(
        tmp_path / "run",
        models.tagger(encoder(), 3),
        LABELS,
        task="tagging",
        layout={"width": 2, "encoding": "iso8859-1"},
        **BIOES,
    )
    path = tmp_path / "words.txt"
    path.write_text("é O\nb O\n", encoding="latin-1")
    found = [line.split()[0] for line in tagged(tmp_path / "run", path)]
    assert found == ["é", "b"]  # like the run's files
    path.write_text("é\nb\n", encoding="utf-16")
    lines = tagged(tmp_path / "run", path, encoding="utf-16")
    assert [line.split()[0] for line in lines] == ["é", "b"]
    with pytest.raises(ValueError, match="JSON is UTF-8"):
        tagged(tmp_path / "run", tmp_path / "a.jsonl", encoding="latin-1")


@pytest.mark.slow
def test_words_that_are_hardly_known_are_counted(run, capsys) -> None:
    folder, _ = run
    path = folder.parent / "words.txt"
    path.write_text("x\ny\na\n\na\nb\n")
    tagged(folder, path)
    assert "words.txt: 1 of 2 texts are more than half [UNK]" in (
        capsys.readouterr().err
    )
