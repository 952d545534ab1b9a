"""Equal documents get into the same part, for any order and buffer."""

import random
from pathlib import Path

import pytest

from keras_ctx.data import (
    document_part,
    parts_are_whole,
    read_part,
    write_parts,
)
from keras_ctx.data.records.document_parts import distinct_documents

DOCUMENTS = [[f"{i % 150}, one.", "Two\u2028lines."] for i in range(300)]


def parts(folder: Path, documents: list, **options) -> list[list]:
    write_parts(documents, folder, num_parts=7, **options)
    return [list(read_part(folder, number)) for number in range(7)]


def test_every_document_is_in_the_part_that_its_content_says(
    tmp_path: Path,
) -> None:
    found = parts(tmp_path, DOCUMENTS)
    assert sorted(sum(found, [])) == sorted(DOCUMENTS)
    for number, documents in enumerate(found):
        assert {document_part(x, 7) for x in documents} == {number}
    # Parts are of similar size: 300 / 7 = 43 per part, in pairs.
    assert all(20 <= len(documents) <= 70 for documents in found)


def test_the_buffer_changes_nothing(tmp_path: Path) -> None:
    found = parts(tmp_path / "1", DOCUMENTS)
    assert parts(tmp_path / "2", DOCUMENTS, buffer_bytes=100) == found


def test_distinct_documents_in_one_order() -> None:
    shuffled = random.Random(3).sample(DOCUMENTS, len(DOCUMENTS))
    found, dropped = distinct_documents(DOCUMENTS, seed=1)
    assert dropped == 150
    assert sorted(found) == sorted(DOCUMENTS[:150])
    assert distinct_documents(shuffled, seed=1) == (found, 150)
    assert distinct_documents(DOCUMENTS, seed=2)[0] != found
    # A fixed order, but not that of the texts.
    assert found not in (sorted(found), DOCUMENTS[:150])


@pytest.mark.parametrize("other", [["AB"], ["A", "B", ""], ["A B"]])
def test_documents_that_differ_in_their_sentences_are_two(other: list) -> None:
    assert len(distinct_documents([["A", "B"], other], seed=1)[0]) == 2


def test_parts_that_are_not_whole(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    assert not parts_are_whole(folder)
    write_parts([["A."], ["B."]], folder, num_parts=8)
    assert parts_are_whole(folder)
    path = folder / "part-00002.jsonl"  # has ["A."]
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert not parts_are_whole(folder)
    path.unlink()
    assert not parts_are_whole(folder)
    path.write_bytes(content)
    assert parts_are_whole(folder)


def test_a_full_disk_is_told_with_the_part(tmp_path: Path) -> None:
    document = ["A."]
    part = tmp_path / f"part-{document_part(document, 8):05d}.jsonl"
    part.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_parts([document], tmp_path, num_parts=8)
    assert caught.value.filename == str(part)
