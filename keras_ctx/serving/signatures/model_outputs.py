"""A model's own outputs, in a form fit for a signature."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_ctx.layers import CRF
from keras_ctx.serving.output_kinds.kind import Exact, OutputKind
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.output_kinds.ranked import Ranked
from keras_ctx.serving.output_kinds.tags import Tags
from keras_ctx.serving.signatures.sublayers import all_layers
from keras_ctx.serving.weights.quantized import StoredWeights
from keras_ctx.text import TextInputs

Tensors = dict[str, tf.Tensor]


class Run:
    """How a signature runs a model: once, for its own outputs.

    A subclass may run it otherwise, from more than the model's inputs.
    """

    def specs(self, model: keras.Model) -> dict[str, tf.TensorSpec]:
        """Returns what it takes, by name."""
        return {
            key: tf.TensorSpec(x.shape, x.dtype)
            for key, x in model.input.items()
        }

    def kinds(self, model: keras.Model) -> dict[str, OutputKind]:
        """Returns the kind of each output."""
        return own_kinds(model)

    def __call__(self, model: keras.Model, features: Tensors) -> Tensors:
        return named_outputs(model, features)


class ModelOutputs:
    """The outputs of a model by name.

    `layers`, a list of L+1 tensors `(B, T, D)`, become one tensor
    `(B, L+1, T, D)`, rows first as TF Serving's batching requires.
    Floating-point numbers become float32, since REST has no bfloat16. The
    padding mask is left out. Called eagerly, the model runs op by op; all
    graphs share one trace of it, which computes with the weights of `stored`,
    if given.
    """

    def __init__(
        self,
        model: keras.Model,
        stored: StoredWeights | None = None,
        run: Run | None = None,
    ) -> None:
        self._model = model
        self._run = run or Run()
        self._stored = stored
        self._specs = self._run.specs(model)
        self._traced = tf.function(self._trace, input_signature=[self._specs])

    @property
    def kinds(self) -> dict[str, OutputKind]:
        """The kind of each output."""
        return self._run.kinds(self._model)

    def constrained_crf(self) -> CRF | None:
        """Returns the CRF of a tagger, if it has constraints."""
        for layer in all_layers(self._model):
            if isinstance(layer, CRF) and layer.constraints is not None:
                return layer
        return None

    def __call__(self, features: Tensors) -> Tensors:
        if tf.executing_eagerly():
            return self._run(self._model, features)
        return self._traced(features)

    def _trace(self, features: Tensors) -> Tensors:
        if self._stored is None:
            return self._run(self._model, features)
        with self._stored.scope():
            return self._run(self._model, features)


def named_outputs(model: keras.Model, features: Tensors) -> Tensors:
    """Returns the outputs of `ModelOutputs`, computed in the caller's graph."""
    outputs = dict(model(features, training=False))
    outputs.pop("padding_mask", None)
    if "layers" in outputs:
        outputs["layers"] = tf.stack(outputs["layers"], axis=1)
    return {
        key: tf.cast(x, tf.float32) if x.dtype.is_floating else x
        for key, x in outputs.items()
    }


def own_kinds(model: keras.Model) -> dict[str, OutputKind]:
    """Returns the kind of each output of `named_outputs`.

    A user's model may rank, too: it outputs the ids of labels or classes with
    `scores` of the same shape.
    """
    found: dict[str, OutputKind] = {}
    outputs = dict(model.output)
    outputs.pop("padding_mask", None)
    for name, x in outputs.items():
        if name == "layers":
            found[name] = Numbers(position_axis=2)
            continue
        # `masked_lm` has the axis of the masked positions instead.
        by_position = name != "masked_lm" and x.shape[1:2] == (None,)
        axis = 1 if by_position else None
        if keras.backend.is_float_dtype(x.dtype):
            found[name] = Numbers(position_axis=axis)
        elif _is_decided(name, outputs):
            found[name] = Tags(position_axis=axis, decided_by="logits")
        elif _is_ranked(name, outputs):
            found[name] = Ranked(scores="scores")
        else:
            found[name] = Exact(position_axis=axis)
    return found


def _is_decided(name: str, outputs: Mapping[str, Any]) -> bool:
    logits = outputs.get("logits")
    return (
        name == "tags"
        and logits is not None
        and len(logits.shape) in (3, 4)
        and outputs[name].shape[1:] == logits.shape[1:2]
    )


def _is_ranked(name: str, outputs: Mapping[str, Any]) -> bool:
    scores = outputs.get("scores")
    return (
        name in ("labels", "classes")
        and scores is not None
        and scores.shape == outputs[name].shape
        and "tags" not in outputs
    )


class OwnOutputs:
    """Signature for the own outputs of a model without a task."""

    def __init__(self, model: ModelOutputs, text_inputs: TextInputs) -> None:
        self._model = model
        self._text_inputs = text_inputs
        self.kinds = model.kinds | COUNT_KINDS

    def __call__(self, text, text_pair=None) -> Tensors:
        features = self._text_inputs(text, text_pair)
        counted = counts(self._text_inputs, text, text_pair)
        return self._model(features) | counted


def real_positions(
    features: Mapping[str, tf.Tensor], text_inputs: TextInputs | None
) -> tf.Tensor | None:
    """Returns which positions are not padding, `(B, T)`, if it is known.

    It follows from the mask in `features`, the inputs of a model, or from ids.
    """
    if "padding_mask" in features:
        return features["padding_mask"]
    return None if text_inputs is None else text_inputs.padding_mask(features)


COUNT_KINDS: dict[str, OutputKind] = {
    "num_tokens": Exact(),
    "truncated": Exact(),
}
"""Kinds of the outputs of `counts`."""


def counts(
    text_inputs: TextInputs,
    text,
    text_pair=None,
    truncated: tf.Tensor | None = None,
) -> Tensors:
    """Returns the number of tokens of each row, and whether some were cut off.

    The second is computed, if it is not given.
    """
    if truncated is None:
        truncated = text_inputs.is_cut(text, text_pair)
    num_tokens = text_inputs.num_tokens(text, text_pair)
    return {"num_tokens": num_tokens, "truncated": truncated}


def as_words(text, text_inputs: TextInputs):
    """Splits texts into words; words are returned unchanged."""
    if isinstance(text, tf.RaggedTensor):
        return text
    return text_inputs.words(text).words


def dense(ragged, fill, width: tf.Tensor | None = None) -> tf.Tensor:
    """Converts ragged `(B, None)` to a tensor with at least one column.

    With `width`, it has as many columns: a row that the encoder cuts has fewer
    values than words.
    """
    longest = tf.maximum(tf.reduce_max(ragged.row_lengths()), 1)
    if width is not None:
        longest = tf.cast(width, longest.dtype)
    shape = tf.stack([ragged.nrows(), longest])
    return ragged.to_tensor(fill, shape=shape)
