"""Partition of documents into parts of bounded size, by their content.

The part of a document, and its position there, are a function of its content
and a seed. So equal documents are in the same part, and duplicates are dropped
without a list of all documents. The parts do not depend on the number of
processes, or on the engine.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from keras_ctx.files.json_text import load_json, load_json_file
from keras_ctx.files.whole_file import full_disk_named, write_text

# Written beside the parts once they are complete.
_SIZES = "sizes.json"


def document_part(document: list[str], num_parts: int) -> int:
    """Returns the number of a document's part, from its content.

    Args:
        document: The sentences of the document.
        num_parts: Number of parts.

    Example:
        >>> [document_part([text], 8) for text in ("A.", "B.", "A.")]
        [2, 7, 2]
    """
    return int.from_bytes(_digest(document)[:8]) % num_parts


def distinct_documents(
    documents: Iterable[list[str]], seed: int
) -> tuple[list[list[str]], int]:
    """Returns the distinct documents of a part in pseudorandom order.

    Args:
        documents: The documents of one part, in any order.
        seed: The seed of the order.

    Returns:
        The documents, and the number of dropped duplicates.

    Example:
        >>> distinct_documents([["A."], ["B."], ["A."]], seed=1)
        ([['B.'], ['A.']], 1)
    """
    held, count = {}, 0
    for document in documents:
        held[_digest(document)] = document
        count += 1
    key = seed.to_bytes(8, signed=True)
    order = sorted(held, key=lambda x: hashlib.sha256(key + x).digest())
    return [held[digest] for digest in order], count - len(held)


def write_parts(
    documents: Iterable[list[str]],
    folder: str | Path,
    num_parts: int,
    buffer_bytes: int = 2**26,
) -> int:
    """Appends documents to one file per part, in bounded memory.

    Args:
        documents: Any number of documents.
        folder: An empty folder. The files are `part-00000.jsonl` and so on. A
            part without documents has no file. `sizes.json` is written last.
        num_parts: Number of parts.
        buffer_bytes: Bytes to hold in memory before files are written.

    Returns:
        The number of documents.

    Example:
        >>> write_parts([["A."], ["B."], ["A."]], "parts", num_parts=8)
        3
        >>> list(read_part("parts", 2))
        [['A.'], ['A.']]
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    held: dict[int, list[bytes]] = {}
    size = count = 0

    def flush() -> None:
        for number, lines in held.items():
            path = _part_path(folder, number)
            with full_disk_named(path), open(path, "ab") as file:
                file.writelines(lines)
        held.clear()

    for document in documents:
        count += 1
        line = json.dumps(document, ensure_ascii=False).encode() + b"\n"
        held.setdefault(document_part(document, num_parts), []).append(line)
        size += len(line)
        if size > buffer_bytes:
            flush()
            size = 0
    flush()
    write_text(folder / _SIZES, json.dumps(_sizes(folder)))
    return count


def parts_are_whole(folder: str | Path) -> bool:
    """Returns whether all files that `write_parts` wrote are complete.

    Without this check, a missing or cut-off part would go unnoticed.

    Args:
        folder: The folder given to `write_parts`.

    Example:
        >>> _ = write_parts([["A."], ["B."]], "whole", num_parts=8)
        >>> parts_are_whole("whole")
        True
        >>> Path("whole/part-00002.jsonl").unlink()
        >>> parts_are_whole("whole")
        False
    """
    folder = Path(folder)
    if not (folder / _SIZES).exists():
        return False
    return load_json_file(folder / _SIZES) == _sizes(folder)


def _sizes(folder: Path) -> dict[str, int]:
    return {
        path.name: path.stat().st_size
        for path in sorted(folder.glob("part-*.jsonl"))
    }


def read_part(folder: str | Path, number: int) -> Iterator[list[str]]:
    """Yields the documents that `write_parts` wrote to a part.

    Args:
        folder: The folder given to `write_parts`.
        number: Number of the part. A part without a file yields nothing.

    Raises:
        ValueError: A line is damaged. The message names the file and the line.

    Example:
        >>> list(read_part("a folder that is not there", 0))
        []
    """
    path = _part_path(Path(folder), number)
    if path.exists():
        with open(path, "rb") as file:
            for count, line in enumerate(file, 1):
                yield _document(line, f"{path}, line {count}")


def _document(line: bytes, where: str) -> list[str]:
    try:
        found = load_json(line.decode("utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{where}: the line must be complete JSON. Prepare the corpus "
            f"again, with --restart. Received: {line[:60]!r}: {error}"
        ) from error
    if not isinstance(found, list) or not all(
        isinstance(sentence, str) for sentence in found
    ):
        raise ValueError(
            f"{where}: the line must be a list of sentences. Prepare the "
            f"corpus again, with --restart. Received: {line[:60]!r}"
        )
    return found


def _part_path(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}.jsonl"


def _digest(document: list[str]) -> bytes:
    return hashlib.sha256("\n".join(document).encode()).digest()
