"""Texts and JSON in each compression format, intact and damaged."""

import bz2
import gzip
import json
import lzma
import sys
from functools import partial
from pathlib import Path

import pytest

from keras_ctx.data import (
    TableFormat,
    raw_documents,
    read_documents,
    read_lines,
    read_squad,
    read_table,
    survey_lines,
)
from keras_ctx.data.readers.compressed import (
    open_file,
    plain_name,
    whole_stream,
)

COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
try:
    from backports import zstd  # pyright: ignore
except ImportError:  # an optional extra
    pass
else:
    # As written by the command `zstd`, with a checksum.
    COMPRESS[".zst"] = partial(
        zstd.compress,
        options={zstd.CompressionParameter.checksum_flag: 1},
    )

TEXT = "\ufeff一 two\r\n\r\nthree\u2028four\n".encode()


@pytest.mark.parametrize("ending", COMPRESS)
def test_every_reader_reads_it(ending: str, tmp_path: Path) -> None:
    plain = tmp_path / "a.txt"
    plain.write_bytes(TEXT)
    for name in (f"a.txt{ending}", f"B.TXT{ending.upper()}"):
        path = tmp_path / name
        path.write_bytes(COMPRESS[ending](TEXT))
        assert list(read_lines(path)) == ["一 two", "three\u2028four"]
        assert list(read_documents(path)) == [["一 two"], ["three\u2028four"]]
        assert list(raw_documents(path)) == list(raw_documents(plain))
        assert survey_lines(path) == survey_lines(plain)


@pytest.mark.parametrize("ending", COMPRESS)
def test_two_streams_in_one_file(ending: str, tmp_path: Path) -> None:
    # As written by `cat a.gz b.gz` and pbzip2.
    path = tmp_path / f"a.txt{ending}"
    path.write_bytes(COMPRESS[ending](b"a\n") + COMPRESS[ending](b"b\n"))
    assert list(read_lines(path)) == ["a", "b"]


@pytest.mark.parametrize("ending", COMPRESS)
def test_tables_and_json_by_the_name_before_it(
    ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.csv{ending}"
    path.write_bytes(COMPRESS[ending](b'text,label\n"a, b",1\n'))
    (row,) = read_table(path, ("text", "label"))
    assert row.columns == ("a, b", "1")
    assert TableFormat().layout_of(f"a.jsonl{ending}") == "json"
    squad = {
        "data": [
            {
                "paragraphs": [
                    {
                        "context": "A river.",
                        "qas": [
                            {
                                "id": "1",
                                "question": "What?",
                                "answers": [
                                    {"text": "river", "answer_start": 2}
                                ],
                            }
                        ],
                    }
                ]
            }
        ]
    }
    path = tmp_path / f"a.json{ending}"
    path.write_bytes(COMPRESS[ending](json.dumps(squad).encode()))
    assert [question.context for question in read_squad(path)] == ["A river."]


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("damage", ["cut", "plain", "changed"])
def test_damage_names_the_file(
    damage: str, ending: str, tmp_path: Path
) -> None:
    whole = COMPRESS[ending](bytes(range(32, 127)) * 99 + b"\n")
    content = {
        "cut": whole[:-6],
        "plain": b"plain text\n",
        "changed": whole[:20] + b"~~~~~~~~" + whole[28:],
    }[damage]
    path = tmp_path / f"a.txt{ending}"
    path.write_bytes(content)
    for read in (read_lines, raw_documents):
        with pytest.raises(
            ValueError,
            match=rf"a.txt{ending}, after line \d: the name ends in {ending}, "
            "but the content is not a complete",
        ):
            list(read(path))
    path = path.rename(tmp_path / f"a.json{ending}")
    with pytest.raises(ValueError, match=f"a.json{ending}: the name ends in"):
        read_squad(path)


@pytest.mark.parametrize("ending", COMPRESS)
def test_written_and_read(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    with open_file(path, "wt", ending, encoding="utf-8", newline="\n") as file:
        file.write("é\n")
    path = path.rename(tmp_path / f"a.txt{ending}")
    with open_file(path) as file:
        assert file.read() == "é\n".encode()


def test_zstandard_without_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)  # cannot be imported
    path = tmp_path / "a.txt.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(ImportError, match="pip install backports.zstd.*a.txt"):
        list(read_lines(path))


def test_other_errors_pass() -> None:
    with pytest.raises(OSError, match="disk"), whole_stream("a.bz2"):
        raise OSError(5, "disk")
    with pytest.raises(EOFError), whole_stream("a.txt"):
        raise EOFError


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (bz2.compress(b"a\n"), r"ends in .bz2"),
        (lzma.compress(b"a\n"), r"ends in .xz"),
        (b"\x28\xb5\x2f\xfd\xff\n", r"ends in .zst"),
        (b"%PDF-1.4\n%\xff\xff\n", "PDF"),
        (b"PK\x03\x04\xff\n", "zip"),
        ("a\n".encode("utf-16"), "UTF-16"),
        (b"a".ljust(257, b"\0") + b"ustar\x0000\n", "tar archive: unpack"),
    ],
)
def test_what_is_no_text_is_told(
    start: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(start)
    for read in (read_lines, raw_documents):
        with pytest.raises(ValueError, match=f"a.txt.*{said}"):
            list(read(path))


def test_a_compressed_archive_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(b"a".ljust(257, b"\0") + b"ustar\n"))
    with pytest.raises(ValueError, match=r"a.tar.gz.*tar archive: unpack"):
        list(read_lines(path))


def test_plain_names() -> None:
    for name in ("a.csv", "a.csv.gz", "a.csv.XZ", "b/a.csv.zst"):
        assert plain_name(name) == "a.csv"
    assert plain_name("a.tar") == "a.tar"
