"""Vectors of a frozen encoder that are computed once for a run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import data, models, text
from keras_ctx.fine_tuning.options.recurrent import StoredContextOptions
from keras_ctx.text.ragged.operations import numbered

_WORDS_AT_ONCE = 4096
_BETWEEN = "\x1f"  # between the words of a key; no text has it


class StoredContext:
    """The vectors of a `context` for the sentences of a run, in memory.

    Training with stored vectors gives the results of training without, up to
    the last bits of the vectors, which depend on the sentences of a batch.

    Args:
        encoder: A `models.recurrent_encoder` with a `context`.
        text_inputs: Its `text.ContextInputs`.
        sentences: The words of all sentences that will be read.
        verbose: Whether to show a progress bar.

    Example:
        >>> words = models.word_vector_encoder(2, 4)
        >>> elmo = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> encoder = models.recurrent_encoder(words, 3, context=elmo)
        >>> inputs = text.ContextInputs(
        ...     text.WordVectorInputs(["a", "b"]), text.ElmoInputs(5))
        >>> stored = StoredContext(encoder, inputs, [["b", "a"], ["a"]], False)
        >>> features = stored.text_inputs(tf.ragged.constant([["a"]]))
        >>> features["context_layer_0"].shape
        TensorShape([1, 1, 8])
        >>> stored.encoder(features)["sequence"].shape
        TensorShape([1, 1, 6])
    """

    def __init__(
        self,
        encoder: keras.Model,
        text_inputs: text.ContextInputs,
        sentences: Iterable[Sequence[str]],
        verbose: bool = True,
    ) -> None:
        self.encoder = models.from_context_vectors(encoder)
        """The encoder that reads the vectors; its layers are shared."""
        rows = list({_BETWEEN.join(x): x for x in sentences if x}.values())
        model = models.context_vectors(encoder)
        found: dict[str, list[np.ndarray]] = {x: [] for x in model.output}
        keys, lengths = [], []
        bar = keras.utils.Progbar(len(rows), verbose=int(verbose))
        for places in data.word_batches(rows, _WORDS_AT_ONCE):
            words = tf.ragged.constant([rows[i] for i in places], tf.string)
            keys += _keys(text_inputs.rows(words)).numpy().tolist()
            features = text_inputs(words)
            real = text_inputs.padding_mask(features).numpy()
            lengths += real.sum(-1).tolist()
            for name, x in model.predict_on_batch(features).items():
                found[name].append(x[real])
            bar.add(len(places))
        starts = np.cumsum([0, *lengths[:-1]], dtype=np.int64)
        self.text_inputs = _StoredInputs(
            text_inputs,
            dict(zip(keys, starts.tolist(), strict=True)),
            {name: np.concatenate(x) for name, x in found.items()},
        )
        """The text inputs of this encoder; other sentences are refused."""

    def whole(
        self, trained: keras.Model, make_model: Callable[[], keras.Model]
    ) -> keras.Model:
        """Returns a trained model, on the whole encoder.

        Args:
            trained: A model on `self.encoder`.
            make_model: Creates the same head on the whole encoder, whose
                layers are shared.
        """
        model = make_model()
        for layer in trained.layers:
            if layer.weights and not isinstance(layer, keras.Model):
                model.get_layer(layer.name).set_weights(layer.get_weights())
        return model


class NotStored:
    """An encoder that is run whenever it is read.

    Args:
        encoder: Any encoder.
        text_inputs: Its text inputs.
    """

    def __init__(
        self, encoder: keras.Model, text_inputs: text.TextInputs
    ) -> None:
        self.encoder, self.text_inputs = encoder, text_inputs

    def whole(
        self, trained: keras.Model, make_model: Callable[[], keras.Model]
    ) -> keras.Model:
        """Returns the trained model."""
        del make_model
        return trained


def stored_context(
    options: StoredContextOptions,
    encoder: keras.Model,
    text_inputs: text.TextInputs,
    files: Mapping[str, Sequence[tuple[Sequence[str], Any]]],
) -> StoredContext | NotStored:
    """Computes the vectors of `context` for all sentences, with that option.

    Args:
        options: Uses `store_context`.
        encoder: See `load_encoder`.
        text_inputs: The text inputs of the encoder.
        files: The words and tags of each sentence, by name of the file.

    Example:
        >>> options = StoredContextOptions()
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> stored_context(
        ...     options, encoder, text.ElmoInputs(5), {}).encoder is encoder
        True
    """
    if not options.store_context:
        return NotStored(encoder, text_inputs)
    sentences = [words for rows in files.values() for words, _ in rows]
    return StoredContext(encoder, cast(Any, text_inputs), sentences)


class _StoredInputs(text.ContextInputs):
    """The features of words, and the stored vectors of their sentences."""

    def __init__(
        self,
        inputs: text.ContextInputs,
        starts: dict[bytes, int],
        vectors: dict[str, np.ndarray],
    ) -> None:
        super().__init__(inputs.word_inputs, inputs.context_inputs)
        self._starts = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(starts), tf.string),
                tf.constant(list(starts.values()), tf.int64),
            ),
            -1,
        )
        # Variables: a constant would be copied into every graph.
        self._vectors = {
            name: tf.Variable(tf.constant(x), trainable=False)
            for name, x in vectors.items()
        }

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]:
        rows = self.rows(text, text_pair)
        starts = self._starts.lookup(_keys(rows))
        lengths = rows.row_lengths()
        tf.debugging.Assert(
            tf.reduce_all((starts >= 0) | (lengths == 0)),
            [
                "The vectors of a sentence are not stored. Received:",
                rows.values,
            ],
        )
        places = tf.cast(numbered(rows).values, tf.int64)
        places += tf.repeat(starts, lengths)
        found = self.word_inputs(rows)
        for name, x in self._vectors.items():
            vectors = rows.with_values(tf.gather(x, places))
            found[name] = self.padded(vectors, 0)
        return found


def _keys(rows: Any) -> tf.Tensor:
    return tf.strings.reduce_join(rows, axis=1, separator=_BETWEEN)
