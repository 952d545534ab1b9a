"""Tables of pairs, triplets and scored pairs: read, or refused by line."""

from pathlib import Path

import pytest

from keras_ctx import data


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str, name: str = "rows.tsv") -> Path:
        path = tmp_path / name
        path.write_text(content, "utf-8")
        return path

    return write


def test_read(write) -> None:
    path = write("q,p,n,id\na cat,kitten,car,1\na cat,cat,bus,2\n", "a.csv")
    rows = data.read_text_tuples(path, ["q", "p", "n"])
    assert rows.columns == [["a cat"] * 2, ["kitten", "cat"], ["car", "bus"]]
    assert (rows.lines, rows.scores) == ([2, 3], None)
    assert rows.summary() == f"{path}: 2 rows of 3 texts"
    # A pair of equal texts is said, not refused: dropout differs.
    path = write("a\ta\nb\tc\nd\te\n")
    rows = data.read_text_tuples(path, ["0", "1"])
    assert "1 pairs of two equal texts, the first on line 1" in rows.summary()
    assert len(rows.sample(2)) == 2 and rows.sample(9) is rows
    path = write('{"a": "x", "b": "y", "s": 2}\n{"a": "z", "b": "y", "s": 4}\n')
    path = path.rename(path.with_suffix(".jsonl"))
    rows = data.read_text_tuples(path, ["a", "b", "s"], scored=True)
    assert rows.scores == [2.0, 4.0]
    assert rows.summary() == f"{path}: 2 pairs of texts, scores from 2 to 4"
    first = rows.sample(1)
    assert len(first.columns[0]) == len(first.scores or []) == 1


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("a\tb\tc\nd\te\td\n", "012", "line 2: a text, its pair and its neg"),
        ("a\tb\tc\nd\te\te \n", "012", "line 2: a text, its pair and its neg"),
        ("a\tb\tc\nd\td\te\n", "012", "line 2: a text, its pair and its neg"),
        ("a\tb\nd\t \n", "01", "line 2: a text is empty"),
        ("a\tb\nd\te\n", "05", "`columns` must name columns of .*'a', 'b'"),
        ("Query\tanswer\nd\te\n", "01", "line 1: looks like the names of col"),
        ("a\tb\nd\te\tf\n", "01", "line 2: a row must have 2 columns"),
        ("".join(f"q{k}\tb\n" for k in range(12)), "01", "like row numbers"),
        ('"a"\t"b"\n"c"\t"d"\n', "01", "has quotes around every row"),
        ("a\tb\n", "00", "`columns` must be different columns"),
        ("a\tb\n", "0", "`columns` must be two texts, or more"),
    ],
)
def test_refused(content: str, columns: str, message: str, write) -> None:
    with pytest.raises(ValueError, match=message):
        data.read_text_tuples(write(content), list(columns))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tb\t1\nc\td\tgood\n", "line 2: the label must be a finite number"),
        ("a\tb\t1\nc\td\tnan\n", "line 2.*nan"),
        ("a\tb\t1\nc\td\tinf\n", "line 2: the label must be a finite number"),
        ("a\tb\t1\nc\td\t1.0\n", "all 2 numbers are 1.0"),
        ("a\tb\t1\n \td\t2\n", "line 2: a text is empty"),
        ("a\tb\n", "`columns` must name columns"),
    ],
)
def test_refused_scores(content: str, message: str, write) -> None:
    with pytest.raises(ValueError, match=message):
        data.read_text_tuples(write(content), list("012"), scored=True)


def test_no_negative_at_all(write) -> None:
    for content, name in (
        ("a\tb\na \tc\n", "first"),
        ("b\ta\nc\ta\n", "second"),
    ):
        rows = data.read_text_tuples(write(content), ["0", "1"])
        with pytest.raises(ValueError, match=f"all 2 {name} texts are 'a'"):
            data.check_negatives_exist(rows)
    rows = data.read_text_tuples(write("a\tb\tx\na\tc\ty\n"), ["0", "1", "2"])
    data.check_negatives_exist(rows)
