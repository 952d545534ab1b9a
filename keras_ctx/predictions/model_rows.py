"""Runs a stream of texts through a model, in order, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import data, layers
from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.ragged_rows import ragged_rows
from keras_ctx.predictions.length_order import WINDOW, in_length_order
from keras_ctx.text import TextInputs, UnknownTexts

Outputs = dict[str, np.ndarray]


class ModelRows:
    """A model that is run on a stream of examples.

    `window` examples at a time are read, sorted by length and batched; the
    outputs come in the order of the stream. The model runs without dropout, in
    a graph that is traced once.

    Args:
        model: A model with a head of `keras_ctx.models`.
        text_inputs: The text inputs that the model was trained with.
        batch_size: Examples per batch.
        window: Examples in memory at a time.

    Call arguments:
        examples: An iterable of examples: a tuple with a text or a text pair,
            or a list of the words of a sentence. `None` means no example.

    Returns:
        A generator of the outputs of the model by name for each example,
        without the axis B. For words it is "tags" alone: the tag id at the
        first position of each word; words that were cut off have none. For
        `None` it yields `None`.

    Raises:
        ValueError: A number is below 1; the model is stateful, so that an
            answer would depend on earlier texts; or an output is not finite
            because training diverged.

    Example:
        >>> from keras_ctx import models, text
        >>> model = models.classifier(
        ...     models.elmo_encoder([(1, 8)], 16, 4, max_characters=5), 3)
        >>> rows = ModelRows(model, text.ElmoInputs(max_characters=5))
        >>> [row and row["logits"].shape for row in rows([("a b",), None])]
        [(3,), None]
    """

    def __init__(
        self,
        model: keras.Model,
        text_inputs: TextInputs,
        batch_size: int = 32,
        window: int = WINDOW,
    ) -> None:
        check_at_least(1, batch_size=batch_size, window=window)
        if any(getattr(x, "stateful", False) for x in _layers(model)):
            raise ValueError(
                "`model` must not be stateful: the answer to a text would "
                "depend on earlier texts. Create the encoder with "
                f"`stateful=False`. Received: {model.name!r}"
            )
        self._text_inputs = text_inputs
        self._batch_size = batch_size
        self._window = window
        self._run = compiled(model)
        self.limit = text_inputs.limit
        self.num_texts = self.num_cut = 0  # all texts, and those cut
        self.unknown = UnknownTexts(text_inputs)
        self._crf = next(
            (x for x in _layers(model) if isinstance(x, layers.CRF)), None
        )

    def __call__(
        self, examples: Iterable[Sequence[str] | None]
    ) -> Iterator[Outputs | None]:
        return in_length_order(
            examples,
            self._of_batch,
            self._lengths,
            batch_size=self._batch_size,
            window=self._window,
        )

    def _lengths(self, rows: list[Sequence[str]]) -> Sequence[int]:
        if isinstance(rows[0], list):
            return data.word_token_counts(self._text_inputs, rows)
        return data.token_counts(self._text_inputs, *zip(*rows, strict=True))

    def _of_batch(self, batch: list[Sequence[str]]) -> list[Outputs]:
        if isinstance(batch[0], list):
            return [{"tags": tags} for tags in self._tags(batch)]
        columns = zip(*batch, strict=True)
        texts = [tf.constant(column, tf.string) for column in columns]
        features = self._text_inputs(*texts)
        self.unknown.add_features(features, [" ".join(row) for row in batch])
        self.num_texts += len(batch)
        width = self._text_inputs.padding_mask(features).shape[1]
        cut = self._text_inputs.is_cut(*texts, width=width).numpy()
        self.num_cut += int(cut.sum())
        outputs = self._run(features)
        return [
            {name: x[row] for name, x in outputs.items()}
            for row in range(len(batch))
        ]

    def _tags(self, batch: list[Sequence[str]]) -> list[np.ndarray]:
        words = ragged_rows(batch)
        features = self._text_inputs(words)
        self.unknown.add_features(features, batch)
        outputs = self._run(features)
        first = _first(self._text_inputs.word_index(words))
        if self._crf is None:
            best = outputs["logits"].argmax(-1)
        elif self._crf.constraints is None:
            best = outputs["tags"]
        else:
            # The constraints hold between the tags of whole words.
            best = np.asarray(self._crf.best_path(outputs["logits"], first)[0])
        return [row[mask] for row, mask in zip(best, first, strict=True)]


def compiled(model: keras.Model) -> Callable[[Any], Outputs]:
    """Compiles a model to a function whose graph is traced once.

    Args:
        model: A model whose inputs and outputs are dicts.

    Returns:
        A function that maps the features of a batch to NumPy outputs.

    Raises:
        ValueError: Raised by the function, if an output is not finite.

    Example:
        >>> from keras_ctx import models
        >>> run = compiled(models.classifier(models.bert_tiny(100), 3))
        >>> ids = tf.constant([[2, 7, 3]])
        >>> features = {"token_ids": ids, "segment_ids": 0 * ids}
        >>> run({**features, "padding_mask": ids > 0})["logits"].shape
        (1, 3)
    """
    signature = {
        name: tf.TensorSpec(tensor.shape, tensor.dtype)
        for name, tensor in model.input.items()
    }
    graph = tf.function(
        lambda features: model(features, training=False),
        input_signature=[signature],
    )

    def run(features) -> Outputs:
        # The text inputs may give more than the model reads.
        features = {name: features[name] for name in signature}
        outputs = {name: x.numpy() for name, x in graph(features).items()}
        check_finite(outputs)
        return outputs

    return run


def check_finite(outputs: Mapping[str, np.ndarray]) -> None:
    """Raises an error if outputs of a model are not finite.

    Args:
        outputs: Arrays by name; only floating-point arrays are checked.

    Raises:
        ValueError: A value is NaN or infinite.

    Example:
        >>> check_finite({"logits": np.array([1.0, float("nan")])})
        Traceback (most recent call last):
        ValueError: `model` must give finite numbers; its training may have ...
    """
    for name, value in outputs.items():
        if value.dtype.kind in "biuSUO":
            continue
        bad = ~np.isfinite(value)
        if bad.any():
            raise ValueError(
                "`model` must give finite numbers; its training may have "
                f"diverged. Received: {name!r} with {int(bad.sum())} that "
                "are not"
            )


def _first(index: tf.Tensor) -> np.ndarray:
    """Returns where words begin, from the word index of each position."""
    numbers = index.numpy()
    before = np.pad(numbers[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    return (numbers >= 0) & (numbers != before)


def _layers(model: keras.Model) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
