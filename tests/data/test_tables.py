"""Tables: columns, separators and refusals."""

import gzip
from pathlib import Path

import pytest

from keras_ctx.data import read_labelled


@pytest.fixture
def write(tmp_path):
    def write_file(content: str, name: str = "rows.tsv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return write_file


def test_tabs_part_whatever_the_quotes(write) -> None:
    path = write('x\t"a\tb\r\n\ny\t\tz\n')
    assert list(read_labelled(path, 3)) == [("x", '"a', "b"), ("y", "", "z")]


def test_columns_by_number_are_given_in_that_order(write) -> None:
    path = write("gj04\t1\t\tThe sailors rode.\nbc01\t0\t*\tHim rode.\n")
    assert list(read_labelled(path, [3, 1])) == [
        ("The sailors rode.", "1"),
        ("Him rode.", "0"),
    ]


def test_columns_by_name_take_the_first_line_for_names(write) -> None:
    path = write("sentence\tlabel\nlabel\t1\n")
    assert list(read_labelled(path, ["label", "sentence"])) == [("1", "label")]


def test_names_and_numbers_together(write) -> None:
    path = write("a\tb\tc\n1\t2\t3\n")
    assert list(read_labelled(path, ["c", 0])) == [("3", "1")]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_commas_have_quotes(pack, write) -> None:
    path = write("", "rows.csv" if pack is bytes else "rows.csv.gz")
    content = 'A man.,B,5.0\n\n"A man, ""so"".\n\nEnd",B,"4.75"\n'
    path.write_bytes(pack(content.encode()))
    assert list(read_labelled(path, 3)) == [
        ("A man.", "B", "5.0"),
        ('A man, "so".\n\nEnd', "B", "4.75"),
    ]


def test_open_quote_is_refused(write) -> None:
    path = write('a,b\n"c,d\n', "rows.csv")
    with pytest.raises(ValueError, match="line 2: the quotes do not fit"):
        list(read_labelled(path))


def test_wrong_number_of_columns_is_refused_with_its_line(write) -> None:
    with pytest.raises(ValueError, match="line 2: .* 2 columns .* 1 columns"):
        list(read_labelled(write("a\tb\nc\n")))
    with pytest.raises(ValueError, match="line 3: .* 3 columns .* 4 columns"):
        list(read_labelled(write("a\tb\tc\n1\t2\t3\n1\t2\t3\t4\n"), ["b"]))


@pytest.mark.parametrize("columns", [["text"], [2], [-1], [0, "label"]])
def test_column_that_is_not_there_is_refused(columns, write) -> None:
    with pytest.raises(ValueError, match=r"`columns` must name .*'x', 'y'"):
        list(read_labelled(write("x\ty\n"), columns))


def test_table_of_a_header_only_is_refused(write) -> None:
    with pytest.raises(ValueError, match="holds no text"):
        list(read_labelled(write("text\tlabel\n"), ["text", "label"]))
