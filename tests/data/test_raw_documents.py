"""Documents from raw files: layouts, compression, invalid bytes."""

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
    # An invalid byte, half a character at the end of a line, and an existing
    # replacement character, which is not counted.
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
    # A file that is given itself is read, whatever its name.
    assert names == ["d.md", "b/a.txt.gz", "b/z.txt", "c.txt"]


def test_inputs_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="exist.*missing.txt"):
        text_files([tmp_path / "missing.txt"])
    with pytest.raises(FileNotFoundError, match="without such files"):
        text_files([tmp_path])


CHINESE = (
    "我们在河边的银行。\n今天天气很好。\n\n他去银行存钱。\n大家都很高兴。\n"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CHINESE.encode("gb18030"), "must be UTF-8.*35 of 52 characters"),
        ("今天天氣很好，我去銀行。\n".encode("big5") * 3, "must be UTF-8"),
        ("Мы идём в банк.\n".encode("cp1251") * 3, "must be UTF-8"),
        ("A one.\nB two.\n".encode("utf-16-le"), "UTF-16LE"),
        ("A one.\nB two.\n".encode("utf-16-be"), "UTF-16BE"),
        ("A one.\nB two.\n".encode("utf-16"), "iconv -f UTF-16 "),
    ],
)
def test_other_encodings_are_refused(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(raw_documents(path))


def test_a_file_that_is_found_out_after_its_first_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("大家都很高兴。\n".encode("gb18030") * 5000)
    documents = raw_documents(path, counts=(counts := Counter()))
    with pytest.raises(ValueError, match="must be UTF-8"):
        list(documents)
    assert counts["sentences"] < 1000


@pytest.mark.parametrize(
    ("content", "sentences"),
    [
        ("Le café est fermé à midi.\n".encode("latin-1") * 9, 9),
        (b"A \0 one.\r\nA two.\r\n", 2),
        (b"A one.\r", 1),
        (b"\xef\xbb\xbfA one.\rA two.\r\rB one.\r", 3),
        (b"\xef\xbb\xbfA one.\nA \r two.", 2),
    ],
)
def test_what_is_readable_is_read(
    content: bytes, sentences: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert sum(map(len, raw_documents(path))) == sentences
