"""Aligns the tokens of a text and of its translation."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_ctx.generation.decoder_of import decoder_of
from keras_ctx.models.transformer.cross_attention_scores import (
    cross_attention_scores,
)
from keras_ctx.serving.output_kinds.kind import Exact, OutputKind
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.signatures.model_outputs import (
    ModelOutputs,
    Run,
    Tensors,
)
from keras_ctx.serving.signatures.refusals import refuse_other_rows
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.signatures.translate import TranslateSettings


class Align:
    """Signature for which words of a text a translation follows.

    Inputs: `text` and `translation`, strings `(B,)`.

    Returns `source_tokens` `(B, T)` and `target_tokens` `(B, U)`, "" on
    padding; and `weights` `(B, L, U, T)`: for each block of the decoder the
    shares of the source tokens in the cross-attention that predicts a target
    token, means over the heads.
    """

    kinds: Mapping[str, OutputKind] = {
        "source_tokens": Exact(),
        "target_tokens": Exact(),
        "weights": Numbers(),
    }

    def __init__(
        self,
        model: keras.Model,
        text_inputs: Any,
        settings: TranslateSettings | None,
        make_outputs: Callable[..., ModelOutputs],
    ) -> None:
        settings = settings or TranslateSettings()
        self._text_inputs = text_inputs
        self._target_inputs, self._start_id = settings.target(text_inputs)
        self._positions = decoder_of(model).max_length
        scores = cross_attention_scores(model)
        self._outputs = make_outputs(scores, run=_MeanOverHeads())

    def signature(self) -> Signature:
        """Returns the signature."""
        names = ("text", "translation")
        specs = {x: tf.TensorSpec([None], tf.string, x) for x in names}
        return Signature(self, specs, self.kinds)

    def __call__(self, text, translation) -> Tensors:
        text = tf.ensure_shape(text, [None])
        translation = tf.ensure_shape(translation, [None])
        translation = refuse_other_rows(
            "translation", translation, "text", tf.size(text)
        )
        target = self._target_inputs(translation)
        ids = target["token_ids"][:, : self._positions]
        mask = target["padding_mask"][:, : self._positions]
        start = tf.fill([tf.shape(ids)[0], 1], self._start_id)
        features = dict(self._text_inputs(text))
        features["decoder_token_ids"] = tf.concat([start, ids[:, :-1]], axis=1)
        features["decoder_padding_mask"] = mask
        weights = self._outputs(features)["weights"]
        tokens = self._target_inputs.tokens(translation)
        return {
            "source_tokens": self._text_inputs.tokens(text),
            "target_tokens": tokens[:, : self._positions],
            "weights": tf.where(mask[:, None, :, None], weights, 0.0),
        }


class _MeanOverHeads(Run):
    """Runs a model of `cross_attention_scores`."""

    def kinds(self, model: keras.Model) -> dict[str, OutputKind]:
        return {"weights": Numbers()}

    def __call__(self, model: keras.Model, features: Tensors) -> Tensors:
        found = model(features, training=False)["cross_attention_scores"]
        means = [tf.reduce_mean(x, axis=1) for x in found]
        return {"weights": tf.cast(tf.stack(means, axis=1), tf.float32)}
