"""Evaluates a model in training on a held-out text."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_ctx import data, text

# Sentences per batch, and lines sorted by length together.
_ROWS, _WINDOW = 32, 4096


def measure(model: keras.Model, dataset: tf.data.Dataset) -> dict[str, float]:
    """Returns and prints the metrics of a model on a held-out text.

    Args:
        model: The compiled model in training.
        dataset: See `data.first_batches`.

    Returns:
        The loss and the metrics under the names of `fit`, such as `val_loss`.

    Example:
        >>> model = keras.Sequential([keras.layers.Identity()])
        >>> model.compile(loss="mse")
        >>> dataset = tf.data.Dataset.from_tensors(([[3.0]], [[1.0]]))
        >>> measure(model, dataset)
        val_loss: 4.0000
        {'val_loss': 4.0}
    """
    found = model.evaluate(dataset, return_dict=True, verbose=0)
    figures = {f"val_{name}": value for name, value in found.items()}
    print(" - ".join(f"{k}: {v:.4f}" for k, v in figures.items()))
    return figures


def sentence_batches(
    path: str | Path, text_inputs: text.TextInputs, words: list[str]
) -> Callable[[], Iterator[Any]]:
    """Returns batches of every line once, for `training.HeldOutPerplexity`.

    Args:
        path: A file with one sentence per line.
        text_inputs: The text inputs of the encoder, without distinct words.
        words: The words that the language model predicts.

    Returns:
        A function that returns a new iterator over the batches.

    Example:
        >>> _ = Path("held_out.txt").write_text("a b\\nb\\n")
        >>> batches = sentence_batches(
        ...     "held_out.txt", text.ElmoInputs(5),
        ...     ["<S>", "</S>", "<UNK>", "a", "b"])
        >>> [int(weights.numpy().sum()) for _, weights in batches()]
        [5]
    """
    inputs = data.LanguageModelInputs(text_inputs, words)

    def batches() -> Iterator[Any]:
        lines = data.read_lines(path)
        for _, batch in data.length_windows(lines, _ROWS, window=_WINDOW):
            yield inputs(tf.constant(batch))

    return batches
