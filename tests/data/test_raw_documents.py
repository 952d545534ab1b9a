"""Raw files to documents: layouts, compression, bytes that are no text."""

import gzip
from collections import Counter
from pathlib import Path

import pytest

from keras_ctx.data import raw_documents, text_files

TEXT = "\ufeffA one.\r\n  A two.  \n\n \n\nB one.\n"
DOCUMENTS = [["A one.", "A two."], ["B one."]]


def test_documents_end_at_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.encode())
    counts: Counter[str] = Counter()
    assert list(raw_documents(path, counts=counts)) == DOCUMENTS
    assert counts == {"sentences": 3}


def test_a_file_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.encode())
    assert list(raw_documents(path, "file")) == [sum(DOCUMENTS, [])]


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    assert list(raw_documents(path)) == DOCUMENTS


def test_nothing_in_a_blank_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\n \n")
    assert list(raw_documents(path)) == []


def test_unreadable_bytes_are_replaced_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    # A byte that begins nothing, half a character at the end of a line, and a
    # replacement character that was there before, which is not counted.
    path.write_bytes(b"a\xffb\n" + "水".encode()[:2] + b"\n\xef\xbf\xbdc\n")
    counts: Counter[str] = Counter()
    found = list(raw_documents(path, counts=counts))
    assert found == [["a\ufffdb", "\ufffd", "\ufffdc"]]
    assert counts["unreadable_characters"] == 2


def test_a_gzip_stream_that_ends_early(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one line\n" * 5000)[:-20])
    with pytest.raises(ValueError, match=r"a.txt.gz, after line \d+: .* gzip"):
        list(raw_documents(path))


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`layout` must be"):
        list(raw_documents(tmp_path, "sentence"))  # pyright: ignore


def test_files_of_folders_come_sorted(tmp_path: Path) -> None:
    for name in ("b/z.txt", "b/a.txt.gz", "c.txt", "d.md", "b/e.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = text_files([tmp_path / "d.md", tmp_path])
    names = [str(path.relative_to(tmp_path)) for path in found]
    # A file that is named is taken, whatever it is called.
    assert names == ["d.md", "b/a.txt.gz", "b/z.txt", "c.txt"]


def test_inputs_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="exist.*missing.txt"):
        text_files([tmp_path / "missing.txt"])
    with pytest.raises(FileNotFoundError, match="without any"):
        text_files([tmp_path])
