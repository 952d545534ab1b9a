"""Texts, or pairs of texts, to labels with scores, or to a number."""

from collections.abc import Sequence

import tensorflow as tf

from keras_ctx.serving.model_outputs import (
    ModelOutputs,
    Tensors,
    TextInputs,
    counts,
)


class Classify:
    """All labels of a text with their probabilities, the likeliest first.

    Gives `labels`, strings, and `scores`, both `(B, n)`.
    """

    def __init__(
        self,
        model: ModelOutputs,
        text_inputs: TextInputs,
        labels: Sequence[str],
    ) -> None:
        self._model = model
        self._text_inputs = text_inputs
        self._labels = tuple(labels)

    def __call__(self, text, second_text=None) -> Tensors:
        features = self._text_inputs(text, second_text)
        scores = tf.nn.softmax(self._model(features)["logits"])
        scores, order = tf.math.top_k(scores, len(self._labels))
        return {
            "labels": tf.gather(tf.constant(self._labels), order),
            "scores": scores,
        } | counts(self._text_inputs, text, second_text)


class Regress:
    """The number that a model with one output gives a text.

    Gives `score` `(B,)`.
    """

    def __init__(self, model: ModelOutputs, text_inputs: TextInputs) -> None:
        self._model = model
        self._text_inputs = text_inputs

    def __call__(self, text, second_text=None) -> Tensors:
        features = self._text_inputs(text, second_text)
        logits = self._model(features)["logits"]
        return {"score": logits[:, 0]} | counts(
            self._text_inputs, text, second_text
        )
