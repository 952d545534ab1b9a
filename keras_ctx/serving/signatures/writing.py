"""What the signatures that write texts share: the search and its answer."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_ctx.generation import BeamSearch, Generator
from keras_ctx.generation.sampling import Draws
from keras_ctx.serving.output_kinds.kind import Exact, OutputKind
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.signatures.model_outputs import Run, Tensors
from keras_ctx.serving.signatures.refusals import refuse
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.text.tokenize.normalization import valid

WRITERS = ("generate", "translate")
"""The tasks of models that write texts."""
KINDS: dict[str, OutputKind] = {
    "texts": Exact(),
    "scores": Numbers(),
    "num_tokens": Exact(),
    "stopped": Exact(),
}
"""Kinds of the outputs of `written`."""


class Writing(Run):
    """Runs the search of a generator.

    Args:
        generator: The generator of the model.
        taken: What the search takes beside the inputs of the model and
            `max_length`, by name.
        search: Makes the search from them.
    """

    def __init__(
        self,
        generator: Generator,
        taken: dict[str, tf.TensorSpec],
        search: Callable[[Tensors], BeamSearch | Draws],
    ) -> None:
        self._generator = generator
        self._taken = taken
        self._search = search

    def specs(self, model: keras.Model) -> dict[str, tf.TensorSpec]:
        inputs = {
            key: tf.TensorSpec(x.shape, x.dtype)
            for key, x in self._generator.inputs.items()
        }
        length = tf.TensorSpec([None], tf.int32)
        return {**inputs, "max_length": length, **self._taken}

    def kinds(self, model: keras.Model) -> dict[str, OutputKind]:
        return {
            "token_ids": Exact(),
            "lengths": Exact(),
            "sums": Numbers(),
            "scores": Numbers(),
            "ended": Exact(),
        }

    def __call__(self, model: keras.Model, features: Tensors) -> Tensors:
        inputs = {key: features[key] for key in self._generator.inputs}
        found = self._generator.continuations(
            inputs, features["max_length"], self._search(features)
        )
        return found._asdict()


def text_signature(
    name: str,
    call: Callable[..., Tensors],
    with_defaults: Callable[..., Tensors],
    kinds: Mapping[str, OutputKind],
    defaults: Mapping[str, tf.Tensor],
    texts_alone: bool,
) -> Signature:
    """Returns a signature from texts and settings.

    Args:
        name: Name of the input of texts.
        call: From the texts and all settings to the outputs.
        with_defaults: The same; its arguments have the names of the inputs and
            the `defaults`, which TensorFlow writes into the SavedModel.
        kinds: Kinds of the outputs.
        defaults: The settings by name.
        texts_alone: Whether to take the texts alone, with the defaults.
    """
    specs = {name: tf.TensorSpec([None], tf.string, name)}
    if texts_alone:
        return Signature(
            lambda texts: call(texts, *defaults.values()),
            specs,
            kinds,
            searches=True,
        )
    for key, x in defaults.items():
        specs[key] = tf.TensorSpec([None], x.dtype, key)
    return Signature(
        with_defaults, specs, kinds, searches=True, defaults=defaults
    )


def written(
    found: Tensors, text_inputs: Any, end_id: int, rows: Any
) -> Tensors:
    """Returns the answer of a signature that writes texts.

    Args:
        found: `generation.Continuations` by name, of `rows * R` texts.
        text_inputs: Those of the texts that are written.
        end_id: The token that ends them.
        rows: Number B of rows.

    Returns:
        `texts`, `scores`, `num_tokens`, the end token included, and `stopped`,
        "end" or "length", each `(B, R)`; "", 0, 0 and "" for a text that is
        missing.
    """
    shape = tf.shape(found["token_ids"])
    ids = tf.reshape(found["token_ids"], [shape[0] * shape[1], shape[2]])
    texts = text_inputs.decode(ids, (ids >= 0) & (ids != end_id))
    texts_of_row = shape[0] * shape[1] // tf.maximum(rows, 1)

    def by_row(x: tf.Tensor) -> tf.Tensor:
        return tf.reshape(x, [rows, texts_of_row])

    lengths = by_row(found["lengths"])
    there = lengths > 0
    stopped = tf.where(by_row(found["ended"]), "end", "length")
    return {
        "texts": tf.where(there, by_row(valid(texts)), ""),
        "scores": tf.where(there, by_row(found["scores"]), 0.0),
        "num_tokens": lengths,
        "stopped": tf.where(there, stopped, ""),
    }


def of_rows(rows: Any, **settings: tf.Tensor) -> list[tf.Tensor]:
    """Returns the settings of each row; a single one is that of all."""
    found = []
    for name, x in settings.items():
        x = tf.ensure_shape(x, [None])
        size = tf.size(x)
        check = tf.debugging.Assert(
            (size == 1) | (size == rows),
            [f"`{name}` must have 1 value, or 1 for each row. Rows:", rows]
            + ["Received:", size],
        )
        with tf.control_dependencies([check]):
            # Not of another size, even where the check comes later.
            index = tf.minimum(tf.range(rows), size - 1)
        found.append(tf.gather(x, index))
    return found


def refuse_lengths(max_length: tf.Tensor, positions: int) -> Any:
    """Refuses lengths without a new token, or beyond a model's positions."""
    return refuse(
        (max_length < 2) | (max_length > positions),
        f"`max_length` must be from 2 to {positions}, the positions of the "
        "model.",
        max_length,
    )
