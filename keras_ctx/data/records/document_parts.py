"""Documents sorted out into parts of bounded size, by what they hold.

The part of a document, and its place there, are a function of its content and
a seed. So equal documents meet in one part, where all but one are dropped
without a list of all that were seen; and the parts do not depend on how many
processes, or which engine, sorted the documents out.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from keras_ctx.files.json_text import load_json, load_json_file
from keras_ctx.files.whole_file import full_disk_named, write_text

# Beside the parts, once they are whole.
_SIZES = "sizes.json"


def document_part(document: list[str], num_parts: int) -> int:
    """The number of the part that holds a document, from its content.

    Args:
        document: Its sentences.
        num_parts: How many parts there are.

    Example:
        >>> [document_part([text], 8) for text in ("A.", "B.", "A.")]
        [2, 7, 2]
    """
    return int.from_bytes(_digest(document)[:8]) % num_parts


def distinct_documents(
    documents: Iterable[list[str]], seed: int
) -> tuple[list[list[str]], int]:
    """Documents in an order of their own, each once.

    Args:
        documents: Of one part, in any order.
        seed: Of the order.

    Returns:
        The documents, and how many were dropped.

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
    """Append documents to a file for each part; memory stays flat.

    Args:
        documents: Any number of them.
        folder: Empty; the files are `part-00000.jsonl` and so on. A part
            without a document has none. `sizes.json` is written last.
        num_parts: How many.
        buffer_bytes: Held in memory before files are opened.

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
    """Whether all that `write_parts` wrote is there.

    A part that was removed or cut off would be missed by nobody.

    Args:
        folder: That of `write_parts`.

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
    """The documents that `write_parts` sorted into a part.

    Args:
        folder: That of `write_parts`.
        number: Of the part; one that has no file gives nothing.

    Raises:
        ValueError: A line is damaged; the text names the file and the line.

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
            f"{where}: the line must be whole JSON. Prepare the corpus anew, "
            f"with --restart. Received: {line[:60]!r}: {error}"
        ) from error
    if not isinstance(found, list) or not all(
        isinstance(sentence, str) for sentence in found
    ):
        raise ValueError(
            f"{where}: the line must be a list of sentences. Prepare the "
            f"corpus anew, with --restart. Received: {line[:60]!r}"
        )
    return found


def _part_path(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}.jsonl"


def _digest(document: list[str]) -> bytes:
    return hashlib.sha256("\n".join(document).encode()).digest()
