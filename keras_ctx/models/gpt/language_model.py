"""A causal encoder with the head that predicts the next token."""

import keras


def causal_language_model(
    encoder: keras.Model, name: str = "causal_language_model"
) -> keras.Model:
    """Builds an encoder with the logits of each next token.

    The logits are products with the encoder's token table, without a bias.
    The weights stay tied after saving and loading, since the head calls the
    same layer again. The layers are shared: training this model trains
    `encoder`.

    Inputs: those of the encoder. Output: `next_token` `(B, T, V)`, the logits
    of the token after each position. For training, give the tokens as targets
    one position earlier, and weight 0 to the last position and to padding.

    Args:
        encoder: A model of `gpt_encoder`, or of another causal encoder with
            an `embeddings` layer that has the token table.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Example:
        >>> from keras_ctx.models import gpt_encoder
        >>> model = causal_language_model(gpt_encoder(100, 2, 2, 16, 32))
        >>> model.output["next_token"].shape
        (None, None, 100)

    Source:
        Radford et al. 2018, section 3.1.
    """
    logits = next_token_logits(encoder)
    return keras.Model(encoder.input, {"next_token": logits}, name=name)


def next_token_logits(encoder: keras.Model) -> keras.KerasTensor:
    """Returns the logits `(B, T, V)` of the tokens after each position."""
    found = {layer.name: layer for layer in encoder.layers}
    if "embeddings" not in found or "block_0" in found:
        raise ValueError(
            "`encoder` must be causal, with a token table `embeddings`: one "
            "that sees the whole text would read the tokens that it has to "
            f"predict. Received: {encoder.name!r} with the layers "
            f"{sorted(found)[:10]}"
        )
    return found["embeddings"](encoder.output["sequence"], reverse=True)
