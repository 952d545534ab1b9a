"""Writing the files of a folder of records, in one or more processes."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import keras

from keras_ctx.data.readers.compressed import compressed_ending
from keras_ctx.data.readers.documents import raw_documents
from keras_ctx.data.records.document_parts import (
    parts_are_whole,
    read_part,
    write_parts,
)
from keras_ctx.files.json_text import json_text, load_json_file
from keras_ctx.files.whole_file import write_text
from keras_ctx.processes import in_processes

PARTS, SURVEY = "parts", "parts.json"
# A compressed file holds about three times its size of text.
_COMPRESSION = 3

MakeShard = Callable[[int, Iterable[list[str]]], dict[str, Any]]
Shards = tuple[list[dict[str, Any]], dict[str, int]]


def shards_for(files: Sequence[Path], megabytes: int) -> int:
    """Returns the number of shards for texts of this size, at least one.

    Args:
        files: The text files, plain or compressed.
        megabytes: MiB of text per shard.

    Example:
        >>> _ = Path("a.txt").write_bytes(bytes(5 * 2**20))
        >>> shards_for([Path("a.txt")], megabytes=2)
        2
    """
    size = sum(
        path.stat().st_size * (_COMPRESSION if compressed_ending(path) else 1)
        for path in files
    )
    return max(1, round(size / (megabytes * 2**20)))


def shards_by_processes(
    folder: Path,
    files: Sequence[Path],
    layout: Literal["blank_line", "file"],
    num_shards: int,
    make_shard: MakeShard,
    num_workers: int = 1,
) -> Shards:
    """Partitions the documents into parts, then writes a shard per part.

    Complete files of a killed run are used again. Progress is printed.

    Args:
        folder: The folder of records. During the run, the documents are in
            `parts/` and their counts in `parts.json`.
        files: The text files.
        layout: What ends a document, see `raw_documents`.
        num_shards: Number of shards.
        make_shard: A function of the number of a shard and its documents. It
            returns the same as `write_shard`. With several processes it is
            pickled.
        num_workers: Number of processes.

    Returns:
        The return values of `make_shard`, in any order, and the counts of the
        texts.

    Example:
        >>> _ = Path("a.txt").write_text("one\\ntwo\\n\\nthree\\n")
        >>> def make_shard(number, documents):
        ...     return {"name": str(number), "documents": len(list(documents))}
        >>> shards_by_processes(
        ...     Path("made"), [Path("a.txt")], "blank_line", 1, make_shard)
        Documents:
        ...
        ([{'name': '0', 'documents': 2}], {'sentences': 3})
    """
    parts, survey = folder / PARTS, folder / SURVEY
    if not (survey.exists() and parts_are_whole(parts)):
        print("Documents:")
        shutil.rmtree(parts, ignore_errors=True)
        counts: Counter[str] = Counter()
        bar = keras.utils.Progbar(len(files), unit_name="file")

        def documents():
            for path in files:
                yield from raw_documents(path, layout, counts)
                bar.add(1)

        write_parts(documents(), parts, num_shards)
        write_text(survey, json_text(counts, indent=2) + "\n")
    print("Records:")
    bar = keras.utils.Progbar(num_shards, unit_name="shard")
    make = partial(_shard_of_part, make_shard, parts)
    numbers = range(num_shards)
    made = (
        map(make, numbers)
        if num_workers == 1
        else in_processes(make, numbers, num_workers)
    )
    shards = []
    for shard in made:
        shards.append(shard)
        bar.add(1)
    return shards, load_json_file(survey)


def _shard_of_part(
    make_shard: MakeShard, parts: Path, number: int
) -> dict[str, Any]:
    return make_shard(number, read_part(parts, number))
