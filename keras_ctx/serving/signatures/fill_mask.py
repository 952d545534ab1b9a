"""Predicts the most probable words for each [MASK] of a text."""

from collections.abc import Mapping

import tensorflow as tf

from keras_ctx.serving.output_kinds.kind import Exact, OutputKind
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.output_kinds.ranked import Ranked
from keras_ctx.serving.signatures.model_outputs import (
    COUNT_KINDS,
    ModelOutputs,
    Tensors,
    counts,
    dense,
)
from keras_ctx.text import TextInputs


class FillMask:
    """Signature for the most probable words for each [MASK], best first.

    Returns `words`, strings as in the vocabulary (## continues the previous
    word), and `scores`, their probabilities, both `(B, M, k)`, with "" and 0
    for rows of fewer than M; and `num_masks` `(B,)`, the number that the
    encoder has read. Each [MASK] is filled independently of the others.
    """

    kinds: Mapping[str, OutputKind] = {
        "words": Ranked(scores="scores"),
        "scores": Numbers(),
        "num_masks": Exact(),
        **COUNT_KINDS,
    }

    def __init__(
        self, model: ModelOutputs, text_inputs: TextInputs, top_k: int
    ) -> None:
        self._model = model
        # In these texts, [MASK] is a special token, not plain text.
        self._text_inputs = text_inputs.with_settings(
            special_tokens_in_text=True
        )
        self._top_k = top_k

    def __call__(self, text) -> Tensors:
        features = self._text_inputs(text)
        ids = features[self._text_inputs.position_key]
        is_mask = ids == self._text_inputs.mask_id
        places = tf.broadcast_to(
            tf.range(tf.shape(is_mask)[1])[None, :], tf.shape(is_mask)
        )
        places = tf.ragged.boolean_mask(places, is_mask)
        num_masks = tf.cast(places.row_lengths(), tf.int32)
        positions = dense(places, 0)
        outputs = self._model({**features, "masked_positions": positions})
        vocabulary = self._text_inputs.vocabulary or ()
        logits = outputs["masked_lm"][:, :, : len(vocabulary)]
        scores, ids = tf.math.top_k(tf.nn.softmax(logits), self._top_k)
        there = tf.sequence_mask(num_masks, tf.shape(positions)[1])[:, :, None]
        return {
            "words": tf.where(
                there, tf.gather(tf.constant(vocabulary), ids), ""
            ),
            "scores": tf.where(there, scores, 0.0),
            "num_masks": num_masks,
        } | counts(self._text_inputs, text)
