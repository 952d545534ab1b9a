"""Texts with [MASK] to the likeliest words for each."""

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
    """The likeliest words for each [MASK], the likeliest first.

    Gives `words`, strings as in the vocabulary (one with ## goes on with the
    word before it), and `scores`, their probabilities, both `(B, M, k)`, ""
    and 0 where a row has fewer than M; and `num_masks` `(B,)`, how many the
    encoder has read. Each is filled without knowing what fills another.
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
        # In a text that asks for words, [MASK] is no plain text.
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
