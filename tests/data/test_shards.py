"""Shards written by processes, and shards of an earlier run."""

import gzip
from collections import Counter
from pathlib import Path

import pytest
from record_corpus import BERT, DOCUMENTS, ELMO, write_folder

from keras_ctx import data
from keras_ctx.data.records.shards import shards_by_processes, shards_for


@pytest.mark.parametrize(
    ("sizes", "megabytes", "expected"),
    [
        ({"a.txt": 10}, 64, 1),
        ({"a.txt": 3 * 2**20}, 1, 3),
        ({"a.txt": 3 * 2**20, "b.txt": 2 * 2**20}, 2, 2),  # 2.5 to even
        ({"a.txt.gz": 2**20}, 1, 3),
        ({"a.txt.zst": 2**20, "b.txt": 2**20}, 2, 2),
    ],
)
def test_number_by_size(
    sizes: dict[str, int], megabytes: int, expected: int, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in sizes]
    for path, size in zip(paths, sizes.values(), strict=True):
        path.write_bytes(bytes(size))
    assert shards_for(paths, megabytes) == expected


def count_words(number: int, documents) -> dict:
    """Counts the words of a part, instead of writing a file."""
    found = Counter(word for document in documents for word in document)
    return {"number": number, "sentences": dict(found)}


def texts(folder: Path) -> list[Path]:
    halves = ["\n\n".join(map("\n".join, DOCUMENTS[i::2])) for i in range(2)]
    paths = [folder / "a.txt", folder / "b.txt.gz"]
    paths[0].write_text(halves[0], encoding="utf-8")
    paths[1].write_bytes(gzip.compress(halves[1].encode()))
    return paths


def test_every_sentence_is_in_one_shard(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    shards, counts = shards_by_processes(
        folder, texts(tmp_path), "blank_line", 3, count_words
    )
    assert sorted(shard["number"] for shard in shards) == [0, 1, 2]
    assert all(shard["sentences"] for shard in shards)
    found = sum((Counter(x["sentences"]) for x in shards), Counter())
    expected = Counter(word for document in DOCUMENTS for word in document)
    assert found == expected
    assert counts["sentences"] == sum(expected.values())


def test_parts_of_a_killed_run_are_read_once_only(
    tmp_path: Path, capsys
) -> None:
    folder = tmp_path / "records"
    work = (folder, texts(tmp_path), "blank_line", 3)

    def stop(number: int, documents) -> dict:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shards_by_processes(*work, stop)
    first = capsys.readouterr().out
    shards = shards_by_processes(*work, count_words)
    again = capsys.readouterr().out
    assert "Documents:" in first and "Documents:" not in again
    assert shards == shards_by_processes(
        tmp_path / "other", *work[1:], count_words
    )
    # An incomplete part: the documents are distributed again.
    part = next((folder / "parts").glob("part-*"))
    part.write_bytes(part.read_bytes()[:-1])
    assert shards_by_processes(*work, count_words) == shards
    assert "Documents:" in capsys.readouterr().out


def test_a_folder_that_is_whole_is_finished(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    found = data.finished_folder(folder, "bert")
    assert found is not None and found.settings == BERT
    assert data.finished_folder(tmp_path / "none", "bert") is None


def test_a_byte_that_changed_is_found_and_said(tmp_path: Path, capsys) -> None:
    folder = write_folder(tmp_path, ELMO)
    (folder / "parts.json").write_text("{}")
    path = folder / ELMO.shard_name(1)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert data.finished_folder(folder, "elmo") is None
    assert path.name in capsys.readouterr().out
    assert not (folder / "manifest.json").exists()
    assert not (folder / "parts.json").exists()


def test_half_files_are_removed_and_whole_ones_kept(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "manifest.json").unlink()
    names = {path.name for path in folder.iterdir()}
    half = folder / f".0123.{BERT.shard_name(0)}"
    half.write_bytes(b"half")
    (folder / ".mine").touch()
    assert data.finished_folder(folder, "bert") is None
    assert {path.name for path in folder.iterdir()} == {*names, ".mine"}
