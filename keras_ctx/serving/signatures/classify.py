"""Classifies texts or text pairs, or predicts a number for them."""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from keras_ctx.serving.output_kinds.kind import OutputKind
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.output_kinds.ranked import Ranked
from keras_ctx.serving.signatures.model_outputs import (
    COUNT_KINDS,
    ModelOutputs,
    Tensors,
    as_words,
    counts,
)
from keras_ctx.serving.signatures.text_windows import (
    TextWindows,
    mean_of_windows,
    windows_of_texts,
)
from keras_ctx.text import TextInputs


class Classify:
    """Signature for the labels of a text with their probabilities.

    Returns `labels`, strings, and `scores`, both `(B, n)`, the most probable
    first. Scores sum to 1, or with `multi_label` each is the probability of its
    label independently of others. With windows, scores are means over those of
    the text.
    """

    kinds: Mapping[str, OutputKind] = {
        "labels": Ranked(scores="scores"),
        "scores": Numbers(),
        **COUNT_KINDS,
    }

    def __init__(
        self,
        model: ModelOutputs,
        text_inputs: TextInputs,
        labels: Sequence[str],
        windows: TextWindows | None = None,
        multi_label: bool = False,
    ) -> None:
        activation = tf.nn.sigmoid if multi_label else tf.nn.softmax
        self._scores = _Scores(model, text_inputs, activation, windows)
        self._labels = tuple(labels)

    def __call__(self, text, text_pair=None) -> Tensors:
        scores, counted = self._scores(text, text_pair)
        scores, order = tf.math.top_k(scores, len(self._labels))
        return {
            "labels": tf.gather(tf.constant(self._labels), order),
            "scores": scores,
            **counted,
        }


class Regress:
    """Signature for the number that a model predicts for a text.

    Returns `score` `(B,)`; with windows the mean over those of the text.
    """

    kinds: Mapping[str, OutputKind] = {"score": Numbers(), **COUNT_KINDS}

    def __init__(
        self,
        model: ModelOutputs,
        text_inputs: TextInputs,
        windows: TextWindows | None = None,
    ) -> None:
        self._scores = _Scores(model, text_inputs, tf.identity, windows)

    def __call__(self, text, text_pair=None) -> Tensors:
        scores, counted = self._scores(text, text_pair)
        return {"score": scores[:, 0], **counted}


class _Scores:
    """Scores `(B, n)` of texts: of what fits, or of all windows."""

    def __init__(
        self,
        model: ModelOutputs,
        text_inputs: TextInputs,
        activation: Callable[[tf.Tensor], tf.Tensor],
        windows: TextWindows | None,
    ) -> None:
        self._model = model
        self._text_inputs = text_inputs
        self._activation = activation
        self._windows = windows

    def __call__(self, text, text_pair=None) -> tuple[tf.Tensor, Tensors]:
        inputs = self._text_inputs
        if self._windows is None:
            scores = self._of_rows(inputs(text, text_pair))
            return scores, counts(inputs, text, text_pair)
        words = as_words(text, inputs)
        laid = windows_of_texts(words, inputs, self._windows)
        scores = self._of_rows(inputs(laid.words))
        scores = mean_of_windows(scores, laid, inputs, words.nrows())
        return scores, counts(inputs, words, truncated=laid.truncated)

    def _of_rows(self, features: Tensors) -> tf.Tensor:
        return self._activation(self._model(features)["logits"])
