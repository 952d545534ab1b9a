"""All files of a tagger, read together."""

import json
from pathlib import Path

import pytest

from keras_ctx.data import (
    ConllLayout,
    TaggingTask,
    TagScheme,
    cut_words,
    cut_words_notes,
    read_tagged_files,
    save_tagging_report,
    training_labels,
)
from keras_ctx.data.tags.conll import read_words
from keras_ctx.text import BertInputs, ElmoInputs, WordInputs


@pytest.fixture
def write(tmp_path: Path):
    def write_text(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write_text


def test_scheme_is_that_of_all_files(write) -> None:
    # Alone the test file would be IOB2, and plain.
    train = write("train", "In O\nNew B-LOC\nYork E-LOC\n\nYes S-X\n")
    dev = write("dev", "No O\n")
    test = write("test", "Old B-LOC\nNew I-LOC\nYork E-LOC\n")
    files = read_tagged_files({"train": train, "dev": dev, "test": test})
    assert files.scheme == TagScheme("BIOES")
    assert files.sentences["train"][0][1] == ["O", "B-LOC", "I-LOC"]
    assert files.sentences["test"][0][1] == ["B-LOC", "I-LOC", "I-LOC"]
    notes = "\n".join(files.notes)
    assert "dev: 1 sentences, 1 words, and NO span" in notes
    assert "The tags are BIOES, as in 'B-TYPE'" in notes
    config = json.loads(json.dumps(files.get_config()))
    assert config["scheme"] == "BIOES" and config["model_scheme"] == "IOB2"
    assert ConllLayout(**config["layout"]) == files.layout
    assert TagScheme(**config["tag_scheme"]) == files.scheme


def test_one_file_under_two_names_is_read_once(write) -> None:
    path = write("a", "In O\nRome B-LOC\n")
    files = read_tagged_files({"train": path, "dev": None, "test": path})
    assert set(files.sentences) == {"train", "test"}
    assert len(files.notes) == 1


def test_errors_name_file_and_line(write) -> None:
    train = write("train", "In O\nRome B-LOC\n")
    test = write("test", "In O\n\nRome LOC\n")
    with pytest.raises(ValueError, match="'LOC' .*test, line 3"):
        read_tagged_files({"train": train, "test": test})
    plain = read_tagged_files({"train": train, "test": test}, scheme="plain")
    assert plain.sentences["test"][1][1] == ["LOC"]
    assert plain.get_config()["model_scheme"] == "plain"


def test_numbers_that_are_tags(write) -> None:
    path = write("a", "In 0\nRome 1\n")
    files = read_tagged_files({"train": path}, tag_names=["O", "B-LOC"])
    assert files.sentences["train"][0][1] == ["O", "B-LOC"]
    with pytest.raises(ValueError, match="a, line 2: with `tag_names`"):
        read_tagged_files({"train": path}, tag_names=["O"])


def test_columns_and_json(write) -> None:
    columns = write("a.conll", "x In O\ny Rome B-LOC\n")
    files = read_tagged_files({"train": columns}, ["1", "-1"])
    assert files.sentences["train"][0][0] == ["In", "Rome"]
    with pytest.raises(ValueError, match="`columns` must be numbers"):
        read_tagged_files({"train": columns}, ["words", "tags"])
    rows = write("a.jsonl", '{"words": ["In"], "tags": ["O"]}\n')
    files = read_tagged_files({"train": rows}, first={"train": 1})
    assert files.sentences["train"] == [(["In"], ["O"])]
    assert files.get_config()["columns"] == ["words", "tags"]
    with pytest.raises(ValueError, match="All files must have the same layout"):
        read_tagged_files({"train": columns, "test": rows})


def test_labels_are_those_of_training() -> None:
    rows = {
        "train": [(["a", "b"], ["O", "B-X"])],
        "dev": [(["a"], ["O"])],
        "test": [(["c", "d", "e"], ["B-Y", "I-Y", "B-Y"])],
    }
    labels, notes = training_labels(rows)
    assert labels == ["B-X", "O"]
    assert len(notes) == 1
    assert notes[0].startswith(
        "test: 3 words have tags that no training sentence has (B-Y 2, I-Y 1)"
    )


@pytest.mark.parametrize(
    "rows, message",
    [
        ([(["a"], ["O"])], "at least two tags .* 1 sentences with \\['O'\\]"),
        ([(["a", "b"], ["O", "B-X"])], "at least the 2 sentences of one"),
    ],
)
def test_too_little_to_learn_from(rows, message) -> None:
    with pytest.raises(ValueError, match=message):
        training_labels({"train": rows}, 2)


@pytest.mark.parametrize(
    "inputs",
    [
        ElmoInputs(6, max_length=3),
        WordInputs(["<S>", "</S>", "<UNK>", "a"], max_length=3),
        BertInputs(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"], 5),
    ],
)
def test_words_that_are_cut_off_are_counted(inputs) -> None:
    sentences = [["a"] * n for n in (5, 1, 3, 4)]
    assert cut_words(sentences, inputs) == (3, 2)
    files = {"test": [(s, ["O"] * len(s)) for s in sentences], "dev": []}
    notes = cut_words_notes(files, inputs)
    assert len(notes) == 1
    assert notes[0].startswith("test: 3 words of 2 sentences are cut off")


def test_report_is_in_the_scheme_of_the_files(tmp_path) -> None:
    task = TaggingTask(["B-X", "I-X", "O"], TagScheme("BIOES", separator="_"))
    rows = [(["a", "b c", "d"], ["B-X", "I-X", "O"]), (["e"], ["B-X"])]
    save_tagging_report(task, rows, [["B-X", "O"], ["I-X"]], tmp_path)
    written = (tmp_path / "predictions.conll").read_text()
    assert written == ("a\tB_X\tS_X\nb c\tE_X\tO\nd\tO\tO\n\ne\tS_X\tO\n")
    classes = json.loads((tmp_path / "classes.json").read_text())
    assert classes["X"]["support"] == 2
    report = (tmp_path / "report.txt").read_text()
    assert '1 words that were cut off count as "O".' in report
    assert (tmp_path / "confusion.png").read_bytes()[:4] == b"\x89PNG"


def test_report_of_plain_tags(tmp_path) -> None:
    task = TaggingTask(["N", "V"], TagScheme("plain"))
    save_tagging_report(task, [(["a", "b"], ["N", "V"])], [["N"]], tmp_path)
    assert (tmp_path / "predictions.conll").read_text() == "a N N\nb V _\n"
    assert "accuracy           0.5000" in (tmp_path / "report.txt").read_text()


def test_lost_types_and_types_alike_are_named_with_their_lines(write) -> None:
    train = write("train", "In O\nRome B-LOC\n")
    test = write("test", "a O\n\nb B-Loc\n")
    with pytest.raises(ValueError, match="test, line 3.*train, line 2.*alike"):
        read_tagged_files({"train": train, "test": test})
    test = write("test", "a O\n\nb I-\n")
    with pytest.raises(ValueError, match="have a type.*'I-' .*test, line 3"):
        read_tagged_files({"train": train, "test": test})


@pytest.mark.parametrize(
    "content",
    [
        "In/IN Rome/NNP\nShe/PRP left/VBD\n",
        "Rome/NNP ./.\nShe/PRP left/VBD\n",
        "In/IN Rome/NNP\nShe/PRP left/VBD ./.\n",
    ],
)
def test_sentences_with_slashes_and_tags(content, tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match="each word with a slash and its tag"):
        read_tagged_files({"train": path})


def test_words_with_slashes_are_words(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("TCP/IP B-X\nAC/DC I-X\nand/or O\n")
    found = read_tagged_files({"train": path}).sentences["train"]
    assert found == [(["TCP/IP", "AC/DC", "and/or"], ["B-X", "I-X", "O"])]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16"])
def test_files_in_another_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Zürich B-LOC\nist O\n", encoding=encoding)
    files = read_tagged_files({"train": path}, encoding=encoding)
    assert files.sentences["train"] == [(["Zürich", "ist"], ["B-LOC", "O"])]
    config = json.loads(json.dumps(files.get_config()))
    # By Python's name, for the readers of files to predict.
    layout = ConllLayout(**config["layout"])
    assert list(read_words(path, layout)) == [["Zürich", "ist"]]
    if encoding == "latin-1":
        with pytest.raises(ValueError, match=r"line 1: .* --encoding latin-1"):
            read_tagged_files({"train": path})
        other = tmp_path / "b.conll"
        other.write_text("Zürich B-LOC\nist O\n")
        with pytest.raises(ValueError, match="b.conll: .* It is UTF-8"):
            read_tagged_files({"train": path, "test": other}, encoding=encoding)


def test_encodings_that_are_none(write) -> None:
    path = write("a.conll", "In O\nRome B-LOC\n")
    with pytest.raises(ValueError, match="`encoding` must be one that Python"):
        read_tagged_files({"train": path}, encoding="latin-99")
    path = write("a.jsonl", '{"words": ["In"], "tags": ["O"]}\n')
    with pytest.raises(ValueError, match="JSON is UTF-8"):
        read_tagged_files({"train": path}, encoding="latin-1")
