"""Tags the words of texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_ctx.serving.output_kinds.kind import Exact, OutputKind
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.output_kinds.tags import Tags
from keras_ctx.serving.signatures.model_outputs import (
    COUNT_KINDS,
    ModelOutputs,
    Tensors,
    counts,
    dense,
)
from keras_ctx.serving.signatures.text_windows import (
    TextWindows,
    places_of_words,
    windows_of_texts,
)
from keras_ctx.text import TextInputs


class Tag:
    """Signature for the tag of every word, that of its first token.

    Returns `words` and `tags`, strings, and `scores`, the probability of the
    tag, each `(B, W)`. A word that was cut off has the tag "" and the score 0;
    so has padding, where the word is "". For texts it also returns `starts` and
    `ends` `(B, W)`, character offsets (code points), -1 at padding; for a model
    with a CRF `path_log_probability` `(B,)`, that of all tags of the row. With
    windows, whose CRFs are independent, there is none; a word gets its tag from
    the window with most text around it.

    Under the `constraints` of a CRF, the tags are the most probable allowed
    ones of the words, regardless of the tags of other tokens, and the
    probability is that of the tags of the words.
    """

    kinds: Mapping[str, OutputKind] = {
        "words": Exact(),
        "tags": Tags(decided_by="logits", of_words=True),
        "scores": Numbers(of="tags"),
        "starts": Exact(),
        "ends": Exact(),
        "path_log_probability": Numbers(),
        **COUNT_KINDS,
    }

    def __init__(
        self,
        model: ModelOutputs,
        text_inputs: TextInputs,
        tags: Sequence[str],
        windows: TextWindows | None = None,
    ) -> None:
        self._model = model
        self._text_inputs = text_inputs
        self._tags = tuple(tags)
        self._windows = windows
        self._constrained = model.constrained_crf()

    def __call__(self, text) -> Tensors:
        if isinstance(text, tf.RaggedTensor):
            return self._of_words(text)
        found = self._text_inputs.words(text)
        return self._of_words(found.words) | {
            "starts": dense(found.starts, -1),
            "ends": dense(found.ends, -1),
        }

    def _of_words(self, words: Any) -> Tensors:
        inputs, shown = self._text_inputs, dense(words, "")
        if self._windows is None:
            found = self._of_rows(words) | counts(inputs, words)
            return {"words": shown, **found}
        laid = windows_of_texts(words, inputs, self._windows)
        found = self._of_rows(laid.words)
        places = places_of_words(words, laid)

        def of_words(values, fill):
            read = tf.gather(tf.reshape(values, [-1]), tf.maximum(places, 0))
            read = words.with_values(tf.where(places < 0, fill, read))
            return dense(read, fill)

        return {
            "words": shown,
            "tags": of_words(found["tags"], ""),
            "scores": of_words(found["scores"], 0.0),
            **counts(inputs, words, truncated=laid.truncated),
        }

    def _of_rows(self, words: Any) -> Tensors:
        """Returns `tags` and `scores` `(B, W)` of rows the encoder may cut."""
        outputs = self._model(self._text_inputs(words))
        index = self._text_inputs.word_index(words)
        before = tf.pad(index[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
        first = (index >= 0) & (index != before)
        extra = {}
        if "tags" in outputs and self._constrained is not None:
            scores = outputs["scores"]
            best, extra["path_log_probability"] = self._constrained.best_path(
                outputs["logits"], first
            )
            best = tf.maximum(best, 0)
        elif "tags" in outputs:
            scores, best = outputs["scores"], outputs["tags"]
            extra["path_log_probability"] = _path(outputs["logits"], best)
            best = tf.maximum(best, 0)
        else:
            scores = tf.nn.softmax(outputs["logits"])
            best = tf.argmax(scores, axis=-1, output_type=tf.int32)
        width = tf.maximum(tf.reduce_max(words.row_lengths()), 1)

        def of_words(values, fill):
            kept = tf.ragged.boolean_mask(values, first)
            return dense(kept, fill, width)

        return {
            "tags": of_words(tf.gather(tf.constant(self._tags), best), ""),
            "scores": of_words(tf.gather(scores, best, batch_dims=2), 0.0),
            **extra,
        }


def _path(logits: tf.Tensor, tags: tf.Tensor) -> tf.Tensor:
    """Returns the log probability of a row's tags, `(B,)`.

    `logits` `(B, T, N, N)` of `keras_ctx.layers.CRF` are one factor per token.
    """
    tags = tf.maximum(tags, 0)  # -1 at padding, where every factor is 0
    before = tf.pad(tags[:, :-1], [[0, 0], [1, 0]])
    factors = tf.gather(logits, before, batch_dims=2)
    return tf.reduce_sum(tf.gather(factors, tags, batch_dims=2), axis=1)
