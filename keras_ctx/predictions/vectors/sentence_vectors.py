"""Computes one vector for every sentence."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import data, text
from keras_ctx.predictions.vectors.windows import Window


class SentenceEmbedder:
    """A model that embeds sentences, each after a prompt.

    Args:
        model: See `models.embedder`.
        text_inputs: Its text inputs.
        prompt: Text put before every sentence.

    Attributes:
        num_cut: Number of sentences longer than the encoder reads.
        size: Number of features of a vector.

    Example:
        >>> from keras_ctx import models
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> embedder = SentenceEmbedder(
        ...     models.embedder(encoder), text.ElmoInputs(5))
        >>> embedder(["to be", "or not"]).shape
        (2, 8)
    """

    def __init__(
        self, model: keras.Model, text_inputs: text.TextInputs, prompt: str = ""
    ):
        self.model = model
        self.inputs: Any = text_inputs
        self.prompt = prompt
        self.num_cut = 0
        self.unknown = text.UnknownTexts(text_inputs)
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
        """Returns vectors `(B, D)`."""
        texts = tf.constant([self.prompt + each for each in sentences])
        features = self.inputs(texts)
        if self.prompt:  # its known tokens would hide unknown ones
            self.unknown.add(sentences)
        else:
            self.unknown.add_features(features, sentences)
        width = next(iter(features.values())).shape[1]
        cut = self.inputs.is_cut(texts, width=width).numpy()
        self.num_cut += int(cut.sum())
        return self._run(features).numpy()

    def write(
        self,
        window: Window,
        writer: data.VectorWriter,
        batch_size: int,
        bar: keras.utils.Progbar,
    ) -> None:
        """Writes the shard of a window.

        A line is written as one token of one layer, a blank line as none.

        Args:
            window: The window.
            writer: Writer of all shards.
            batch_size: Sentences per batch.
            bar: Progress bar that counts the lines.
        """
        lines = [line.strip() for line in window.lines]
        tokens = [[line.encode()] if line else [] for line in lines]
        counts = data.token_counts(self.inputs, lines)
        order = [k for k in data.order_of_lengths(counts) if lines[k]]
        with writer.shard(window.first_line, tokens) as put:
            for start in range(0, len(order), batch_size):
                places = order[start : start + batch_size]
                vectors = self([lines[place] for place in places])
                for place, vector in zip(places, vectors, strict=True):
                    put(place, vector[None, None])
                bar.add(len(places))
        bar.add(len(lines) - len(order))
