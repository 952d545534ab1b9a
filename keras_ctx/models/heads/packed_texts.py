"""Heads on encoders whose rows hold several texts."""

import keras

from keras_ctx import layers


def is_packed(encoder: keras.Model) -> bool:
    """Returns whether `encoder` is one of `keras_ctx.models.packed`."""
    return "text_ids" in encoder.output


def refuse_packed(encoder: keras.Model, argument: str, advice: str) -> None:
    """Refuses an encoder of packed texts, for what reads a row as one text."""
    if is_packed(encoder):
        raise ValueError(
            f"{argument} would read a row of several texts as one text. Build "
            "the model on the encoder that was packed, with batches by "
            f"length{advice}. Received: {encoder.name!r}, an encoder of "
            "`packed`"
        )


def token_mean(encoder: keras.Model, outputs: dict, sequence):
    """Returns the mean of the tokens: `(B, D)`, packed `(B, N, D)`."""
    if is_packed(encoder):
        return text_pooling(encoder, "mean", "mean")(
            sequence, outputs["text_ids"]
        )
    return layers.MaskedMean(name="mean")(sequence, outputs["padding_mask"])


def text_pooling(
    encoder: keras.Model, mode: str, name: str
) -> layers.TextPooling:
    """Returns the pooling layer of a packed encoder's texts."""
    max_texts = encoder.get_layer("packed_texts").max_texts
    return layers.TextPooling(max_texts, mode, name=name)
