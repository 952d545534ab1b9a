"""Predicts tokens for every [MASK] of a text, with probabilities."""

from pathlib import Path

import tensorflow as tf

from keras_ctx import convert, models

Mask = list[dict]
"""Predictions for one [MASK], best first: `token` and `probability`."""


class MaskFiller:
    """A masked language model with its text inputs.

    Each [MASK] is filled independently of the others.

    Args:
        folder: Folder of a run, or of a checkpoint with a masked language
            model.
        top_k: Predictions for each [MASK].

    Raises:
        ValueError: The folder has no such model, or `top_k` exceeds the size of
            its vocabulary.
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
        """Returns the predictions for each [MASK] that is read, by text."""
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
