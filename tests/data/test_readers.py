"""Readers on files written byte by byte."""

import gzip
from pathlib import Path

import pytest

from keras_ctx.data import (
    label_ids,
    read_conll,
    read_documents,
    read_labelled,
    read_lines,
)

READERS = [read_lines, read_documents, read_labelled, read_conll]


@pytest.fixture
def write(tmp_path: Path):
    def write_bytes(content: bytes, name: str = "file.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_bytes


def test_lines_keep_what_is_not_a_line_end(write) -> None:
    # U+2028 and U+0085 are line ends for str.splitlines, not in a file.
    path = write("\ufeffa\u2028b\r\n \r\n\nc\u0085 d\ne".encode())
    assert list(read_lines(path)) == ["a\u2028b", "c\u0085 d", "e"]


def test_blank_lines_are_kept_where_they_are_wanted(write) -> None:
    path = write(b"\na\r\n \t\n\nb\n\n")
    assert list(read_lines(path, keep_blank=True)) == [
        *("", "a", " \t", "", "b", "")
    ]
    assert list(read_lines(write(b"\n"), keep_blank=True)) == [""]
    with pytest.raises(ValueError, match="the file holds no text"):
        list(read_lines(write(b""), keep_blank=True))


def test_byte_order_mark_is_removed_from_the_first_line_only(write) -> None:
    path = write("\ufeffa\n\ufeffb\n".encode())
    assert list(read_lines(path)) == ["a", "\ufeffb"]


def test_gzip_is_read_by_its_name(write) -> None:
    path = write(gzip.compress("一\n二\n".encode()), "file.txt.gz")
    assert list(read_lines(path)) == ["一", "二"]
    assert list(read_lines(str(path))) == ["一", "二"]


def test_documents_are_parted_by_any_number_of_blank_lines(write) -> None:
    path = write(b"\n\na1\r\n  a2 \r\n\r\n \t\r\nb1\n\n")
    assert list(read_documents(path)) == [["a1", "a2"], ["b1"]]


def test_file_without_blank_lines_is_one_document(write) -> None:
    assert list(read_documents(write(b"a\nb\nc"))) == [["a", "b", "c"]]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", [b"", b"\n \r\n\n", b"\xef\xbb\xbf"])
def test_file_without_text_is_refused(reader, content, write) -> None:
    path = write(content)
    with pytest.raises(ValueError, match=r"file\.txt, line 1: .* no text"):
        list(reader(path))


@pytest.mark.parametrize("reader", READERS)
def test_bad_utf8_is_refused_with_its_line(reader, write) -> None:
    path = write(b"a\tO\nb\tO\n" + "名".encode("gb18030") + b"\tO\n")
    with pytest.raises(ValueError, match="line 3: byte 0 is not UTF-8") as e:
        list(reader(path))
    # Without -f it would fail on the same byte.
    assert "`iconv -f ISO-8859-1 -t UTF-8 FILE > NEW`" in str(e.value)
    named = reader in (read_labelled, read_conll)
    assert ("--encoding" in str(e.value)) == named


@pytest.mark.parametrize("reader", READERS)
def test_missing_file_is_refused(reader, tmp_path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(FileNotFoundError, match="`path` must name a file"):
            list(reader(path))


@pytest.mark.parametrize("cut", [slice(None, -9), slice(5, None)])
def test_broken_gzip_is_refused(cut, write) -> None:
    path = write(gzip.compress(b"a\n" * 1000)[cut], "file.gz")
    with pytest.raises(ValueError, match="not a complete gzip stream"):
        list(read_lines(path))


def test_gzip_with_damaged_content_is_refused(write) -> None:
    content = bytearray(gzip.compress(bytes(range(32, 127)) * 9))
    content[20:60] = bytes(40)
    with pytest.raises(ValueError, match="not a complete gzip stream"):
        list(read_lines(write(bytes(content), "file.gz")))


def test_reading_is_lazy(write) -> None:
    # The bad byte at the end raises no error before it is reached.
    lines = read_lines(write(b"a\n" * 5 + b"\xff\n"))
    assert [next(lines) for _ in range(5)] == ["a"] * 5
    with pytest.raises(ValueError, match="line 6"):
        next(lines)


def test_label_outside_the_set_is_named() -> None:
    assert label_ids(["I", "O"], ["O", "I"]) == [1, 0]
    assert label_ids([], ["O"]) == []
    with pytest.raises(
        ValueError, match=r"'B-X' at position 1, .*\('O', 'I'\)"
    ):
        label_ids(["O", "B-X"], ["O", "I"])
