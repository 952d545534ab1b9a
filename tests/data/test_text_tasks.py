"""Files of labelled texts: reading, and refusals with the line."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_ctx.data import (
    Classification,
    LabelledTexts,
    MultiLabel,
    Regression,
    TableFormat,
    TextTaskFormat,
    check_training_texts,
    cut_texts_notes,
    multi_hot,
    read_labelled_texts,
    read_text_task,
    split_labels,
)
from keras_ctx.text import BertInputs

GOOD = [f"text {k}\t{'pos' if k % 3 else 'neg'}" for k in range(30)]


@pytest.fixture
def read(tmp_path):
    """Returns a reader of rows (text, tab, label) as files of one task."""

    def read_files(kind: Any = "classification", columns=("0", "1"), **content):
        options = {
            name: content.pop(name)
            for name in ("table", "no_label", "label_separator")
            if name in content
        }
        paths = {}
        for name, lines in content.items():
            paths[name] = tmp_path / f"{name}.tsv"
            paths[name].write_text("\n".join(lines) + "\n", "utf-8")
        return read_text_task(paths, columns, kind, **options)

    return read_files


def test_labels_are_those_of_training_sorted(read) -> None:
    files, task = read(train=["a\tpos", "b\tneg "], test=["c\tneg"], dev=GOOD)
    assert task.labels == ["neg", "pos"]
    assert task.targets(files["train"]) == [1, 0]
    assert task.targets(files["test"]) == [0]
    # Texts stay unchanged; labels lose invisible characters.
    files, task = read(train=[" a \t\u3000pos\u00a0", "b\tneg"])
    assert files["train"].texts == [" a ", "b"]
    assert task.labels == ["neg", "pos"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"train": ["a\tx", "b\ty", "c\t"]},
            r"train\.tsv, line 3: .* is empty",
        ),
        ({"train": GOOD, "dev": ["a\t \u3000"]}, r"dev\.tsv, line 1: .* empty"),
        (
            {"train": GOOD, "test": ["a\tpos", "", "b\tso"]},
            r"test.tsv, line 3: `la",
        ),
        (
            {"train": GOOD, "dev": ["a\tso"]},
            r"dev.tsv, line 1: .*Received: 'so'",
        ),
        ({"train": ["a\tx"] * 9}, "all 9 labels are 'x'"),
        (
            {"train": [*GOOD, "x\tPos"]},
            "line 31: .*'Pos' is nearly .*'pos' on line 2",
        ),
        (
            {"train": ["a\t1", "b\t1.0", "c\t0"]},
            "line 2: .*nearly the same as '1'",
        ),
        ({"train": ["a\t1", "b\ttrue", "c\t0"]}, "line 2: .*nearly the same"),
        ({"train": ["a\t1", "b\tFalse", "c\t0"]}, "line 3: .*nearly the s"),
        (
            {"train": [f"{'np'[k % 2]}\tlong text {k}" for k in range(4)]},
            "4 different labels in 4 rows.*swapped.*--columns 1 0",
        ),
        (
            {"train": [f"text {k}\tlong text {k}" for k in range(6)]},
            "6 different labels in 6 rows.*swapped.*--columns 1 0",
        ),
        ({"train": ["0\tgood", "1\tbad"]}, "only 0 and 1.*swapped.*into one"),
        ({"train": ["a\tcafé", "b\tcafe\u0301", "c\t0"]}, "line 2: .*nearly"),
        ({"train": ["a\tＡ", "b\tA", "c\t0"]}, "line 2: .*nearly the same"),
        (
            {"train": [f"x\tlong text {k}" for k in range(10)]},
            "columns .* swapped",
        ),
        (
            {"train": [f"a\t{k / 7:.2f}" for k in range(90)] * 2},
            "Use `regression`",
        ),
        (
            {"train": [f"t{k}\tx{k % 2}" for k in range(12)]},
            "looks like row numbers",
        ),
        ({"train": [" \tx", "\ty"]}, "column 0 of `columns` holds no text"),
        ({"train": ['a\t["x"]', 'b\t["y"]']}, "line 1: .* Use `multi_label`"),
        (
            {"train": ["a b\t-", "b c\ty", "c d\tz"]},
            "line 1: .*'-'.*`no_label` -",
        ),
        ({"train": [*GOOD, "x y\tnan"]}, "line 31: .*'nan'.*`no_label` nan"),
        ({"train": [*GOOD, "x y\t<NA>"]}, "line 31: .*`no_label` <NA>"),
        (
            {"train": ["a b\tx y", "c\tx  y", "d\tz"]},
            "line 2: .*nearly the same",
        ),
        ({"train": ["a\tx", "c\t\u200bx", "d\tz"]}, "line 2: .*nearly"),
        ({"train": ['a\t"x"', 'b\t"y"']}, "quotes around every row. `quoting`"),
    ],
)
def test_refused_with_file_and_line(content, message, read) -> None:
    with pytest.raises(ValueError, match=message):
        read(**content)


@pytest.mark.parametrize(
    "first",
    [
        "text\tlabel",
        "Sentence\tLABEL",
        "内容\t标签",
        "body\toutcome",
        "评语\t好坏",
    ],
)
@pytest.mark.parametrize("where", ["train", "test"])
def test_header_taken_for_data_is_refused(first, where, read) -> None:
    content = {"train": GOOD, "test": GOOD}
    content[where] = [first, *GOOD]
    with pytest.raises(
        ValueError, match=rf"{where}.tsv, line 1: looks like the"
    ):
        read(**content)
    # It can be named, skipped, or declared data.
    with_header = TableFormat(header=True)
    same = {name: [first, *GOOD] for name in content}
    files, task = read(**same, table=with_header)
    assert len(files["train"]) == 30 and task.labels == ["neg", "pos"]
    files, _ = read(**same, columns=first.split("\t"))
    assert files["train"].lines[0] == 2
    files, task = read(**same, table=TableFormat(header=False))
    assert len(files["train"]) == 31 and len(task.labels) == 3


def test_header_over_numbers_is_refused(read) -> None:
    train = ["said\tpoints", "good\t1", "bad\t0"]
    with pytest.raises(ValueError, match="line 1: looks like the names"):
        read(train=train)


@pytest.mark.parametrize(
    "content",
    [
        # Each first row is the only one of its label, but not a header.
        {"train": ["good\tpos", "bad\tneg"], "test": ["good\tpos", "bad\tneg"]},
        {"train": ["it is so\tobjective", *GOOD]},
        {"train": ["so\t3", *(f"a {k}\t{k % 2}" for k in range(40))]},
        {"train": ["a b\tx", "c d\tx", "e f\ty"]},
    ],
)
def test_rows_that_are_no_header(content, read) -> None:
    files, _ = read(**content)
    assert [len(files[name]) for name in content] == [
        len(lines) for lines in content.values()
    ]


def test_plus_and_minus_are_labels(read) -> None:
    assert read(train=["a\t+", "b\t-"])[1].labels == ["+", "-"]


def test_rows_without_a_label_are_counted(read) -> None:
    train = ["a\t-", "b\ty", "c\t-", " \tz", "d\ty"]
    files, task = read(train=train, no_label="-")
    assert task.labels == ["y", "z"] and files["train"].lines == [2, 4, 5]
    summary = files["train"].summary()
    assert "3 texts; 2 rows without a label left out, the first on" in summary
    empty = "1 rows with an empty text, which are kept, the first on line 4"
    assert empty in summary
    with pytest.raises(ValueError, match="no row has a label. 5 are 'y'"):
        read(train=["a\ty"] * 5, no_label="y")
    # If `-` is really a class.
    assert "-" in read(train=train, no_label="none")[1].labels


def test_label_that_stands_for_none_is_told(read) -> None:
    # As in shared tasks, whose test labels are secret.
    with pytest.raises(ValueError, match="line 1: .* out with `no_label` -1"):
        read(train=["a\t0", "b\t1"], test=["c\t-1", "d\t-1"])


def test_file_without_labels_is_told(tmp_path) -> None:
    path = tmp_path / "test.tsv"
    path.write_text("index\tsentence\n0\tIt rains.\n")
    with pytest.raises(
        ValueError, match="'label'.* without labels can be used"
    ):
        read_labelled_texts(path, ["sentence", "label"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            ["a\t4.5", "b\tx", "c\t2"],
            "train.tsv, line 2: .* finite number .*'x'",
        ),
        (["a\t4.5", "b\tnan"], "line 2: .*'nan'.*`no_label` nan"),
        (["a\t4.5", "b\t-inf"], "line 2: .* finite number"),
        (["a\t4.5", "b\t1e99"], "line 2: .* finite number"),
        (["a\t4.5", "b\t"], "line 2: .*an empty column"),
        (["a\t4.5", "b\t1_000"], "line 2: .* finite number"),
        (["a\t4,5", "b\t2,0"], "line 1: .*with a comma. Write a decimal"),
        (["text\tpoints", "a\t1", "b\t2"], "line 1: .*use their names"),
        (["4.5\ta good text", "1\tb"], "line 1: .* texts and labels swapped"),
        (["a\t3.0", "b\t3", "c\t3.00"], "all 3 numbers are 3.0"),
    ],
)
def test_numbers_that_are_refused(content, message, read) -> None:
    with pytest.raises(ValueError, match=message):
        read("regression", train=content)
    with pytest.raises(ValueError, match=message.replace("train", "dev")):
        read("regression", train=["a\t1", "b\t2"], dev=content)


def test_numbers(read) -> None:
    rows = ["a\t-1", "b\t+2.5", "c\t.5 ", "d\t1e-3", "e\t3."]
    files, task = read("regression", train=rows)
    assert task.targets(files["train"]) == [-1, 2.5, 0.5, 0.001, 3]
    assert task.predictions(np.array([[0.5], [2.0]])) == ["0.5", "2.0"]
    assert task.majority([1.0, 3.0]).tolist() == [2.0]
    assert task.labels == [] and task.absent(files["train"]) == []


def test_sets_of_labels(read) -> None:
    rows = [
        "a\train, wind",
        "b\t",
        'c\t["rain", "sun"]',
        "d\t['wind']",
        "e\twind,",
    ]
    files, task = read("multi_label", train=rows, test=["f\tsun,rain"])
    assert task.labels == ["rain", "sun", "wind"]
    assert task.targets(files["train"]).tolist() == [
        [1, 0, 1],
        [0, 0, 0],
        [1, 1, 0],
        [0, 0, 1],
        [0, 0, 1],
    ]
    logits = np.array([[0.1, -1, 3], [-1, -1, -0.1], [0.0, 1, -2]])
    assert task.predictions(logits) == ["rain,wind", "", "sun"]
    # Only "wind" is in more than half of the texts.
    majority = task.majority(task.targets(files["train"]))
    assert (majority > 0).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a\tx", "b\tx"], r"all 2 texts have the same labels, \['x'\]"),
        (["a\t", "b\t"], "all 2 texts have the same labels"),
        (["a\tx;y", "b\tz"], "line 1: no text has more .*`label_separator`"),
        (["a\tx,y", "b\tX"], "line 2: .*nearly the same as 'x' on line 1"),
        (["a\tx", "b\t[x]"], "line 2: the list of labels cannot be read"),
        (["a\tx", 'b\t[["x"]]'], "line 2: a list of labels must hold strings"),
        (["a\tx", 'b\t["x, y"]'], "line 2: the label 'x, y' holds the"),
        (
            [f"t\t{k},x{k},y{k}" for k in range(12)],
            "36 different labels in 12 rows",
        ),
        (["a\t[1, 0]", "b\t[0, 1]"], "line 1: .* rows of 2 zeros and ones"),
        (["a\t1,0,0", "b\t1,1,0"], "line 1: .* rows of 3 zeros and ones"),
    ],
)
def test_sets_that_are_refused(rows, message, read) -> None:
    with pytest.raises(ValueError, match=message):
        read("multi_label", train=rows)


def test_label_in_a_set_that_training_does_not_show(read) -> None:
    with pytest.raises(ValueError, match="dev.tsv, line 2: .*Received: 'z'"):
        read("multi_label", train=["a\tx,y", "b\t"], dev=["a\tx", "b\tx,z"])
    separated = {"label_separator": "|", "train": ["a\tx|y", "b\tx"]}
    assert read("multi_label", **separated)[1].labels == ["x", "y"]


@pytest.mark.parametrize("separator", ["", "\t", "\n"])
def test_separators_that_would_break_lines(separator, read) -> None:
    with pytest.raises(ValueError, match="`label_separator` must be"):
        read("multi_label", train=["a\tx", "b\t"], label_separator=separator)


def test_samples() -> None:
    count = 50
    rows = LabelledTexts(
        Path("a"),
        list(range(1, count + 1)),
        [f"t{k}" for k in range(count)],
        None,
        ["a"] * 25 + ["b"] * 25,
    )
    assert rows.first(3).lines == [1, 2, 3] and len(rows.first(None)) == count
    sample = rows.sample(20)
    assert sample == rows.sample(20) and len(set(sample.lines)) == 20
    assert sample.lines == sorted(sample.lines)
    # The labels are sorted; a sample still has both.
    assert set(sample.labels) == {"a", "b"}
    assert sample.texts == [f"t{line - 1}" for line in sample.lines]
    assert rows.sample(99) is rows and rows.sample(None) is rows


def test_texts_that_are_too_few(capsys) -> None:
    rows = LabelledTexts(Path("a"), [1, 2], ["x", "y"], None, ["a", "b"])
    task = Classification(["a", "b", "c"])
    check_training_texts(task, rows, 2)
    assert "no training text has c" in capsys.readouterr().out
    with pytest.raises(ValueError, match="2 texts are fewer than the 3 of one"):
        check_training_texts(task, rows, 3)
    with pytest.raises(ValueError, match="no text with c"):
        check_training_texts(task, rows, 2, every_label=True)
    with pytest.raises(ValueError, match="too few labels"):
        check_training_texts(task, rows.first(1), 1)
    numbers = LabelledTexts(Path("a"), [1, 2], ["x", "y"], None, ["1", "2"])
    check_training_texts(Regression(), numbers, 2)


def test_label_sets_by_hand() -> None:
    assert split_labels(" a , b,, a ") == ["a", "b"]
    assert split_labels("a b", " ") == ["a", "b"]
    assert split_labels("[1, 2]") == ["1", "2"]
    assert split_labels("[]") == split_labels("  ") == []
    assert multi_hot([], ["a"]).shape == (0, 1)
    with pytest.raises(ValueError, match="'z' at position 1"):
        multi_hot([["a"], ["a", "z"]], ["a"])
    assert MultiLabel(["a"]).num_outputs == 1


def test_sets_of_zeros_and_ones_that_are_names(read) -> None:
    files = ["a\t[0, 1]", "b\t[0]", "c\t[]"]
    assert read("multi_label", train=files)[1].labels == ["0", "1"]


def test_a_column_twice_is_refused(tmp_path) -> None:
    path = tmp_path / "train.tsv"
    path.write_text("pos\tx\nneg\ty\n")
    with pytest.raises(ValueError, match="`columns` must be different columns"):
        read_text_task({"train": path}, ["0", "0"], "classification")


@pytest.mark.parametrize("kind", ["regression", "multi_label"])
def test_a_sample_of_one_label_is_refused(kind, read) -> None:
    files, task = read(kind, train=[*["a\t1"] * 3, "b\t2"])
    with pytest.raises(ValueError, match="train.tsv: (all 3|3 texts leave)"):
        check_training_texts(task, files["train"].first(3), 1)
    check_training_texts(task, files["train"], 1)


def test_advice_is_of_the_number_that_is_there(read) -> None:
    with pytest.raises(ValueError, match="line 2: .*'1e300'$"):
        read("regression", train=["b\t2", "a\t1e300"])


def test_labels_of_their_own_in_a_file_of_few_rows(read) -> None:
    assert len(read(train=["a\tx", "b\ty", "a\tz"])[1].labels) == 3


def test_numbers_and_booleans_of_json_are_no_two_classes(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"t": "a", "y": 1}\n{"t": "b", "y": true}\n')
    with pytest.raises(ValueError, match="line 2: .*'true' is nearly"):
        read_text_task({"train": path}, ["t", "y"], "classification")


@pytest.mark.parametrize(
    "name, content",
    [("a.tsv", "Text\tlabel\na\tx\n"), ("a.jsonl", '{"Text":"a","label":1}')],
)
def test_name_of_a_column_in_another_case(name, content, tmp_path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=r"case differs from that of 'Text'"):
        read_labelled_texts(path, ["text", "label"])


def test_a_workbook_by_another_name(tmp_path) -> None:
    path = tmp_path / "a.tsv"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("xl/workbook.xml", "a")
    for encoding in ("utf-8", "latin-1"):
        table = TableFormat(encoding=encoding)
        with pytest.raises(ValueError, match="Excel workbook: .*as CSV") as e:
            read_labelled_texts(path, [0, 1], table)
        assert "iconv" not in str(e.value)


def test_a_column_for_each_label() -> None:
    with pytest.raises(ValueError, match="into one column, for `multi_label`"):
        TextTaskFormat(columns=("text", "rain", "wind", "sun"))


@pytest.mark.parametrize("second", [None, ["d e f", "g"]])
def test_texts_that_are_cut_are_counted(second) -> None:
    rows = LabelledTexts(Path("a"), [1, 2], ["a b c", "d"], second, ["x", "y"])
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # [CLS] a b c [SEP] d e f [SEP] are 9, [CLS] d [SEP] g [SEP] are 5.
    for longest, cut in (
        (4, 1 if second is None else 2),
        (8, 0 if second is None else 1),
    ):
        inputs = BertInputs([*special, *"abcdefg"], longest)
        found = cut_texts_notes({"dev": rows}, inputs)
        said = f"dev: {cut} of 2 texts are longer than {longest} tokens"
        assert found == ([f"{said} and are cut."] if cut else [])
