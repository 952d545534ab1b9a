"""Computes vectors for every token of every line, layer by layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import data, models, text
from keras_ctx.predictions.vectors.layer_shares import layer_shares
from keras_ctx.predictions.vectors.windows import Window, Windows

Tokens = list[bytes]
# The word cache is emptied after this many windows, so that a resumed run has
# to reread at most as many to restore it.
CACHE_WINDOWS = 64
# More tokens than any line has.
_NO_LIMIT = 2**30


class TokenEmbedder:
    """An encoder that splits lines into tokens and embeds batches of them.

    Args:
        encoder: An encoder of words, characters of words, or word pieces.
        text_inputs: Its text inputs, without a length limit if the encoder has
            none.
        markers: Whether sentence markers get vectors, too.
        cache_words: Number of words whose vectors from characters are cached.
        long_lines: "error" or "cut", for a line longer than the encoder reads.

    Example:
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> embedder = TokenEmbedder(encoder, text.ElmoInputs(5))
        >>> embedder.compile(layers=["0", "2"])
        >>> lines = ["to be", "or"]
        >>> embedder(lines, embedder.tokens(1, lines)).shape
        (2, 2, 2, 8)
    """

    def __init__(
        self,
        encoder: keras.Model,
        text_inputs: text.TextInputs,
        markers: bool = False,
        cache_words: int = 100_000,
        long_lines: str = "error",
    ):
        self.inputs: Any = text_inputs
        self.words = None
        self.unknown = text.UnknownTexts(text_inputs)
        if models.family_of(encoder).token_layer is not None:
            self.words = _word_cache(encoder, text_inputs, cache_words)
            encoder = models.from_word_vectors(encoder)
        # BERT's [CLS] and [SEP]; ELMo's markers are not in the features.
        self._ahead = text_inputs.leading_positions()
        self._behind = text_inputs.special_positions() - self._ahead
        in_rows = self._ahead + self._behind > 0
        self._left_out = 0 if markers else self._ahead
        if markers and not in_rows:
            encoder = models.with_markers(encoder)
        self._encoder = encoder
        self._markers, self._long_lines = markers, long_lines
        self._surface = self.inputs.tokens
        if text_inputs.max_length is not None:
            uncut = self.inputs.with_settings(max_length=_NO_LIMIT)
            self._surface = uncut.tokens

    def compile(
        self,
        layers: Sequence[str] = ("all",),
        mix: Sequence[float] = (),
        scale: float = 1.0,
    ) -> None:
        """Selects the layers to write; must precede the first call.

        Args:
            layers: See `layer_shares`.
            mix: See `layer_shares`.
            scale: See `layer_shares`.

        Raises:
            ValueError: See `layer_shares`.
        """
        found = self._encoder.output["layers"]
        shares = layer_shares(len(found), layers, mix, scale)
        self.shape = (len(shares), found[0].shape[-1])
        self._run = _compiled(self._encoder, shares)

    def tokens(self, first_line: int, lines: list[str]) -> list[Tokens]:
        """Returns the tokens of lines and adds their words to the cache.

        Args:
            first_line: Number of the first line, for errors.
            lines: Lines of a window.

        Raises:
            ValueError: A line is longer than the encoder reads.
        """
        found: list[Tokens] = [[] for _ in lines]
        # Tokens are padded, so lines of similar length are batched.
        order = data.length_order(lines)
        for start in range(0, len(order), 64):
            places = order[start : start + 64]
            texts = tf.constant([lines[place] for place in places])
            rows = self._surface(texts).numpy()
            for place, row in zip(places, rows, strict=True):
                tokens = [token for token in row if token]
                last = len(tokens) - self._behind
                ends = [tokens[: self._ahead], tokens[last:]]
                tokens = tokens[self._ahead : last]
                if self.inputs.max_length is not None:
                    tokens = self._cut(tokens, first_line + place)
                if not any(ends):
                    ends = [[b"<S>"], [b"</S>"]]
                if self._markers:
                    tokens = [*ends[0], *tokens, *ends[1]]
                found[place] = tokens
        if self.words is not None:
            self.words.learn(found)
        return found

    def _cut(self, tokens: Tokens, line: int) -> Tokens:
        most = self.inputs.max_length - self._ahead - self._behind
        if len(tokens) > most and self._long_lines == "error":
            raise ValueError(
                f"`corpus`, line {line}: the encoder reads {most} tokens of a "
                f"line. Received: {len(tokens)}. Split the line, or give "
                "--long-lines cut to embed its beginning."
            )
        return tokens[:most]

    def __call__(self, lines: list[str], tokens: list[Tokens]) -> np.ndarray:
        """Returns vectors `(B, T, L, D)`; a line starts at index 0."""
        if self.words is not None:
            if self._markers:  # the encoder adds the markers itself
                tokens = [line[1:-1] for line in tokens]
            features = self.words.features(tokens)
        else:
            features = self.inputs(tf.constant(lines))
            self.unknown.add_features(features, lines)
        return self._run(features).numpy()[:, self._left_out :]

    def pass_by(self, window: Window, windows: Windows) -> None:
        """Skips a finished window, but updates the cache as if writing it."""
        self.begin(window)
        begun = windows.num_done - windows.num_done % CACHE_WINDOWS
        if self.words is not None and windows.num_left:
            if window.number >= begun:
                self.tokens(window.first_line, window.lines)

    def begin(self, window: Window) -> None:
        """Empties the cache if it is due at this window."""
        if self.words is not None and window.number % CACHE_WINDOWS == 0:
            self.words.forget()

    def write(
        self,
        window: Window,
        writer: data.VectorWriter,
        batch_words: int,
        bar: keras.utils.Progbar,
    ) -> int:
        """Writes the shard of a window.

        Args:
            window: The window.
            writer: Writer of all shards.
            batch_words: Words per batch, including padding.
            bar: Progress bar that counts the lines.

        Returns:
            The number of words in the window.
        """
        self.begin(window)
        tokens = self.tokens(window.first_line, window.lines)
        if blank := sum(not line for line in tokens):
            bar.add(blank)
        with writer.shard(window.first_line, tokens) as put:
            for batch in data.word_batches(tokens, batch_words):
                vectors = self(
                    [window.lines[place] for place in batch],
                    [tokens[place] for place in batch],
                )
                for place, row in zip(batch, vectors, strict=True):
                    put(place, row[: len(tokens[place])])
                bar.add(len(batch))
        return sum(map(len, tokens))


def _word_cache(
    encoder: keras.Model, text_inputs: Any, cache_words: int
) -> data.WordVectorCache:
    """Returns a cache of the encoder's token layer, by word."""
    family = models.family_of(encoder)
    layer, key = encoder.get_layer(family.token_layer), family.input_key
    shape = encoder.input[key].shape
    signature = [tf.TensorSpec([1, *shape[1:]], encoder.input[key].dtype)]
    encode = tf.function(lambda ids: layer(ids), input_signature=signature)
    return data.WordVectorCache(
        lambda words: encode(text_inputs([words])[key])[0].numpy(),
        cache_words,
    )


def _compiled(encoder: keras.Model, shares: np.ndarray):
    """Compiles the layers to write, once for all lengths."""
    signature = {
        name: tf.TensorSpec(tensor.shape, tensor.dtype)
        for name, tensor in encoder.input.items()
    }

    def run(features):
        layers = encoder(features, training=False)["layers"]
        layers = tf.stack([tf.cast(layer, tf.float32) for layer in layers])
        # With shares of 1 and 0, a layer's numbers stay unchanged.
        return tf.einsum("kl,lbtd->btkd", shares, layers)

    return tf.function(run, input_signature=[signature])
