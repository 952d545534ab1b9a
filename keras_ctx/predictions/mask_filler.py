"""Words for every [MASK] of a text, with their probabilities."""

from pathlib import Path

import tensorflow as tf

from keras_ctx import convert, models

Mask = list[dict]
"""Answers for one [MASK], the likeliest first: `token` and `probability`."""


class MaskFiller:
    """A masked language model, and how a text becomes its features.

    A [MASK] is filled without knowing what fills another one.

    Args:
        folder: Of a run, or of a checkpoint with a masked language model.
        top_k: Answers for each [MASK].

    Raises:
        ValueError: There is no such model in the folder, or `top_k` is above
            the tokens of its vocabulary.
    """

    def __init__(self, folder: Path, top_k: int = 5):
        self.model = convert.load_pretrainer(folder)
        sizes = models.family_of(self.model).sizes(self.model)
        self.inputs = (
            convert.load_text_inputs(folder)
            .uncut()
            .with_settings(
                max_length=sizes["positions"], special_tokens_in_text=True
            )
        )
        convert.check_text_inputs(self.inputs, self.model, folder)
        size = self.inputs.vocabulary_size
        if top_k > size:
            raise ValueError(
                f"`top_k` must be at most {size}, the tokens of the "
                f"vocabulary. Received: top_k={top_k}"
            )

        def best(features):
            logits = self.model(features, training=False)["masked_lm"]
            logits = tf.cast(logits, tf.float32)[..., :size]
            return tf.math.top_k(tf.nn.softmax(logits), top_k)

        signature = {
            name: tf.TensorSpec(tensor.shape, tensor.dtype)
            for name, tensor in self.model.input.items()
        }
        self._best = tf.function(best, input_signature=[signature])

    def __call__(self, texts: list[str]) -> list[list[Mask]]:
        """For each text, for each [MASK] that the encoder reads: answers."""
        features = self.inputs(tf.constant(texts))
        is_mask = features["token_ids"] == self.inputs.mask_id
        places = tf.ragged.boolean_mask(
            tf.broadcast_to(tf.range(tf.shape(is_mask)[1]), tf.shape(is_mask)),
            is_mask,
        )
        found = self._best({**features, "masked_positions": places.to_tensor()})
        probabilities, ids = (x.numpy() for x in found)
        return [
            [
                [
                    {
                        "token": self.inputs.vocabulary[number],
                        "probability": float(probability),
                    }
                    for number, probability in zip(*mask, strict=True)
                ]
                for mask in zip(
                    ids[row, :count], probabilities[row, :count], strict=True
                )
            ]
            for row, count in enumerate(places.row_lengths().numpy())
        ]
