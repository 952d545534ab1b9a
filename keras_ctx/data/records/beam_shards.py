"""Writing the files of a folder of records with Apache Beam."""

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from keras_ctx.data.readers.documents import raw_documents
from keras_ctx.data.records.document_parts import document_part
from keras_ctx.data.records.shards import SURVEY, MakeShard, Shards
from keras_ctx.files.json_text import json_text, load_json_file
from keras_ctx.files.whole_file import write_text


def shards_by_beam(
    folder: Path,
    files: Sequence[Path],
    layout: Literal["blank_line", "file"],
    num_shards: int,
    make_shard: MakeShard,
    options: str,
) -> Shards:
    """Writes the same shards as `shards_by_processes`, also on a cluster.

    Args:
        folder: The folder of records. All workers need access to it and to
            the texts.
        files: The text files.
        layout: What ends a document, see `raw_documents`.
        num_shards: Number of shards.
        make_shard: See `shards_by_processes`. It is pickled.
        options: Options of the pipeline, as on a command line.

    Returns:
        The return values of `make_shard`, in any order, and the counts of the
        texts.

    Raises:
        ImportError: Apache Beam is not installed.

    Example:
        >>> shards_by_beam(  # doctest: +SKIP
        ...     Path("records"), [Path("a.txt")], "blank_line", 12, make_shard,
        ...     "--runner=DirectRunner")
    """
    try:
        import apache_beam as beam  # pyright: ignore[reportMissingImports]
        from apache_beam.options.pipeline_options import (  # pyright: ignore[reportMissingImports]
            PipelineOptions,
        )
    except ImportError as error:
        raise ImportError(
            "`beam` needs Apache Beam: pip install apache-beam. Without "
            "`beam`, `--num-workers` processes on this machine do the work."
        ) from error

    def read(path: str):
        counts: Counter[str] = Counter()
        for document in raw_documents(path, layout, counts):
            number = document_part(document, num_shards)
            yield beam.pvalue.TaggedOutput("documents", (number, document))
        yield dict(counts)

    def add(counts: Iterable[dict]) -> dict:
        return dict(sum(map(Counter, counts), Counter()))

    # Results pass through files, since the pipeline runs in other processes.
    survey, made = folder / SURVEY, folder / "shards.json"
    with beam.Pipeline(options=PipelineOptions(shlex.split(options))) as line:
        found = (
            line
            | "files" >> beam.Create([str(path) for path in files])
            | beam.Reshuffle()
            | "read"
            >> beam.FlatMap(read).with_outputs("documents", main="counts")
        )
        _ = (
            found.counts
            | "add counts" >> beam.CombineGlobally(add)
            | "save counts" >> beam.Map(_save, survey)
        )
        # A part without documents becomes a shard without records.
        every = line | "parts" >> beam.Create(
            [(number, None) for number in range(num_shards)]
        )
        _ = (
            {"documents": found.documents, "every": every}
            | beam.CoGroupByKey()
            | "write"
            >> beam.MapTuple(
                lambda number, group: make_shard(number, group["documents"])
            )
            | beam.combiners.ToList()
            | "save shards" >> beam.Map(lambda x: _save({"shards": x}, made))
        )
    return load_json_file(made)["shards"], load_json_file(survey)


def _save(content: Any, path: Path) -> None:
    write_text(path, json_text(content, indent=2) + "\n")
