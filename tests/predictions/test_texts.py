"""Unlabelled texts: one line in, one line out, in order."""

import gzip
import io
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from prediction_runs import INPUTS, encoder, save_run

from keras_ctx import models
from keras_ctx.predictions import ModelRows, RunTask, predict_file, read_task
from keras_ctx.text import ElmoInputs

LABELS = ("bad", "fair", "good")
TEXTS = ["a b", "c", "", "d e f g", "  ", "a a a a a a a", "j"]


def logits(model, *texts: list[str]) -> np.ndarray:
    """Returns logits of single texts, without code of the tested package."""
    return np.concatenate(
        [
            model(INPUTS(*[[text] for text in row]), training=False)["logits"]
            for row in zip(*texts, strict=True)
        ]
    )


def shown(row: np.ndarray) -> list[float]:
    return [float(f"{x:.4f}") for x in row]


def parsed(line: str) -> tuple[str, list[float]]:
    best, *numbers = line.split("\t")
    return best, [float(x) for x in numbers]


def check(lines: list[str], texts: list[str], found: np.ndarray) -> None:
    assert len(lines) == len(texts)
    for line, text, row in zip(lines, texts, found, strict=True):
        if not text.strip():
            assert line == ""
            continue
        best, numbers = parsed(line)
        assert best == LABELS[row.argmax()]
        assert numbers == pytest.approx(shown(row), abs=1e-4)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "run"
    save_run(
        folder,
        models.classifier(encoder(), 3),
        LABELS,
        task="classification",
        pair=False,
        columns=["0", "1"],
        table={},
    )
    return folder


@pytest.fixture
def run(saved: Path, tmp_path: Path) -> Path:
    return shutil.copytree(saved, tmp_path / "run")


@pytest.fixture(scope="module")
def expected(saved: Path) -> np.ndarray:
    # The same random weights once more.
    model = save_run(saved.parent / "again", models.classifier(encoder(), 3))
    return logits(model, TEXTS)


def predicted(run: Path | RunTask, path: Path, **options) -> list[str]:
    output = path.parent / "out.tsv"
    number = predict_file(run, path, output, **options)
    content = output.read_text("utf-8")
    assert content.count("\n") == number and content.endswith("\n")
    return content.split("\n")[:-1]


@pytest.mark.parametrize(
    "batch_size",
    [2, *(pytest.param(size, marks=pytest.mark.slow) for size in (1, 32))],
)
def test_texts_one_a_line(batch_size: int, run: Path, expected) -> None:
    path = run.parent / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    check(predicted(run, path, batch_size=batch_size), TEXTS, expected)


@pytest.mark.slow
def test_windows_change_nothing(run: Path, expected) -> None:
    model = save_run(run.parent / "more", models.classifier(encoder(), 3))
    examples = [(text,) if text.strip() else None for text in TEXTS]
    for window, batch_size in ((1, 1), (3, 2), (100, 100)):
        rows = ModelRows(model, INPUTS, batch_size, window)
        for row, one in zip(rows(examples), expected, strict=True):
            if row is not None:
                # Padding to a longer row changes the order of float32 sums.
                np.testing.assert_allclose(row["logits"], one, atol=1e-5)


def test_a_stream_is_read_a_window_at_a_time(run: Path) -> None:
    model = save_run(run.parent / "more", models.classifier(encoder(), 3))
    drawn = []

    def examples():
        for number in range(1000):
            drawn.append(number)
            yield ("a b c",)

    rows = ModelRows(model, INPUTS, batch_size=4, window=8)(examples())
    for _ in range(9):
        next(rows)
    assert len(drawn) == 16


@pytest.mark.slow
def test_compressed_files_and_standard_input(
    run: Path, expected, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    content = ("\n".join(TEXTS) + "\n").encode()
    path = run.parent / "texts.txt.gz"
    path.write_bytes(gzip.compress(content))
    check(predicted(run, path), TEXTS, expected)
    packed = run.parent / "out.tsv.gz"
    assert predict_file(run, path, packed) == len(TEXTS)
    lines = gzip.decompress(packed.read_bytes()).decode().split("\n")[:-1]
    check(lines, TEXTS, expected)
    stdin = SimpleNamespace(buffer=io.BytesIO(content))
    monkeypatch.setattr(sys, "stdin", stdin)
    capsys.readouterr()
    assert predict_file(run, "-") == len(TEXTS)
    check(capsys.readouterr().out.split("\n")[:-1], TEXTS, expected)


def test_tables_without_labels(run: Path, expected) -> None:
    texts = [text for text in TEXTS if text.strip()]
    found = expected[[bool(text.strip()) for text in TEXTS]]
    folder, task = run.parent, read_task(run)  # loaded once
    # GLUE's unlabelled test.tsv: numbers, texts and a header.
    path = folder / "test.tsv"
    rows = "".join(f"{n}\t{text}\n" for n, text in enumerate(texts))
    path.write_text(f"index\tsentence\n{rows}")
    header, *lines = predicted(task, path, columns=["sentence"])
    assert header == "prediction\tbad\tfair\tgood"
    check(lines, texts, found)
    # Column numbers of the training files, with or without the label.
    path.write_text("".join(f"{text}\tgood\n" for text in texts) + "\n")
    *lines, blank = predicted(task, path)
    check(lines, texts, found)
    assert blank == ""
    path = folder / "test.csv"
    path.write_text("text,id\n" + "".join(f'"{x}",1\n' for x in texts))
    check(predicted(task, path, columns=["text"])[1:], texts, found)
    path = folder / "test.jsonl"
    lines = [json.dumps({"text": text}) for text in texts]
    path.write_text("\n\n".join(lines))
    found_lines = predicted(task, path, columns=["text"])
    check(found_lines[::2], texts, found)
    assert set(found_lines[1::2]) == {""}


@pytest.mark.slow
def test_every_line_is_a_text_where_that_is_said(run: Path) -> None:
    path = run.parent / "texts.txt"
    path.write_text("a\tb\nc\n\td\n")
    with pytest.raises(ValueError, match="line 2: a row must have 2 columns"):
        predicted(run, path)
    assert not (run.parent / "out.tsv").exists()
    assert len(predicted(run, path, lines=True)) == 3
    with pytest.raises(ValueError, match="`lines` must not be given"):
        predicted(run, path, lines=True, columns=["0"])


@pytest.mark.slow
def test_texts_of_a_run_that_learned_from_other_layouts(
    run: Path, expected
) -> None:
    texts = [text for text in TEXTS if text.strip()]
    found = expected[[bool(text.strip()) for text in TEXTS]]
    task = {"task": "classification", "columns": ["text", "label"]}
    (run / "task.json").write_text(json.dumps(task))
    path = run.parent / "texts.txt"
    path.write_text("\n".join(texts))
    with pytest.raises(ValueError, match="name columns .*give `lines`"):
        predicted(run, path)
    check(predicted(run, path, lines=True), texts, found)
    # fastText's labels begin the line, and are left out.
    task["table"] = {"layout": "fasttext"}
    (run / "task.json").write_text(json.dumps(task))
    check(predicted(run, path), texts, found)
    path.write_text("\n".join(f"__label__good {text}" for text in texts))
    check(predicted(run, path), texts, found)


def test_pairs(tmp_path: Path) -> None:
    model = save_run(
        tmp_path / "run",
        models.classifier(encoder(), 3),
        LABELS,
        task="classification",
        pair=True,
        columns=["first", "second", "label"],
        table={},
    )
    first, second = ["a b", "c", "d"], ["e", "f g h", ""]
    path = tmp_path / "pairs.tsv"
    rows = "".join(f"{b}\t{a}\n" for a, b in zip(first, second, strict=True))
    path.write_text(f"second\tfirst\n{rows}")
    lines = predicted(tmp_path / "run", path)[1:]
    check(lines, first, logits(model, first, second))
    with pytest.raises(ValueError, match="`columns` must be 2, as the model"):
        predicted(tmp_path / "run", path, columns=["first"])
    with pytest.raises(ValueError, match="`lines` must not be given"):
        predicted(tmp_path / "run", path, lines=True)


def test_numbers_and_several_labels(tmp_path: Path) -> None:
    texts = ["a b", "c", "d e"]
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(texts))
    model = save_run(
        tmp_path / "run", models.classifier(encoder(), 1), task="regression"
    )
    lines = predicted(tmp_path / "run", path)
    assert [float(line) for line in lines] == pytest.approx(
        logits(model, texts)[:, 0].tolist(), abs=1e-5
    )
    model = save_run(
        tmp_path / "labels",
        models.classifier(encoder(), 3),
        LABELS,
        task="multi_label",
        label_separator=";",
    )
    lines = predicted(tmp_path / "labels", path)
    for line, row in zip(lines, logits(model, texts), strict=True):
        chosen = [name for name, x in zip(LABELS, row, strict=True) if x > 0]
        assert parsed(line)[0] == ";".join(chosen)


@pytest.mark.slow
def test_older_runs_are_told_by_their_model(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("a b\n")
    model = models.classifier(encoder(), 3)
    save_run(tmp_path / "old", model, LABELS)
    config = {"columns": ["0", "1", "2"]}
    (tmp_path / "old" / "results.json").write_text(
        json.dumps({"results": {}, "config": config})
    )
    path.write_text("a b\tc\n")
    assert predicted(tmp_path / "old", path)[0].split("\t")[0] in LABELS
    path.write_text("a b\n")
    save_run(tmp_path / "number", models.classifier(encoder(), 1))
    assert float(predicted(tmp_path / "number", path)[0])


def test_refused_before_anything_is_written(tmp_path: Path, run: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("a b\n")
    with pytest.raises(FileNotFoundError, match="fine-tuning recipe.*no such"):
        predicted(tmp_path / "nowhere", path)
    with pytest.raises(FileNotFoundError, match="`path` must name a file"):
        predicted(run, tmp_path / "none.txt")
    (run / "task.json").write_text('{"task": "poetry"}')
    with pytest.raises(ValueError, match="`task` must be one of .*'poetry'"):
        predicted(run, path)
    (run / "task.json").write_text("{")
    with pytest.raises(ValueError, match=r"task\.json: the file must be one"):
        predicted(run, path)
    (run / "task.json").unlink()
    (run / "labels.txt").write_text("bad\ngood\n")
    with pytest.raises(ValueError, match="label for each of the 3.*: 2"):
        predicted(run, path)
    save_run(tmp_path / "vectors", models.embedder(encoder()))
    with pytest.raises(ValueError, match=r"embed_sentences\.py"):
        predicted(tmp_path / "vectors", path)
    assert not (tmp_path / "out.tsv").exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("a b\n")
    model = save_run(tmp_path / "run", models.classifier(encoder(), 3), LABELS)
    model.get_layer("logits").bias.assign([np.nan, 0, 0])
    model.save(tmp_path / "run" / "model.keras")
    with pytest.raises(ValueError, match="finite.*'logits' with 1"):
        predicted(tmp_path / "run", path)
    assert not (tmp_path / "out.tsv").exists()


def test_a_stateful_model_is_refused() -> None:
    model = models.classifier(
        models.elmo_encoder([(1, 8)], 16, 4, max_characters=5, stateful=True), 2
    )
    with pytest.raises(ValueError, match="must not be stateful"):
        ModelRows(model, INPUTS)


def test_texts_that_are_cut_are_counted_where_words_are_distinct() -> None:
    elmo = models.elmo_encoder([(1, 4)], 5, 3, max_characters=4)
    model = models.classifier(models.distinct_words(elmo), 3)
    inputs = ElmoInputs(4, max_length=6, distinct=True)
    rows = ModelRows(model, inputs)
    list(rows([("a " * 6,), ("a " * 7,), ("b " * 8,)]))
    assert rows.num_texts == 3
    assert rows.num_cut == 2
