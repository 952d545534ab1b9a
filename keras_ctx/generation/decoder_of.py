"""The decoder of a model, of any kind that can write."""

import keras

from keras_ctx.generation.attentional_decoder import AttentionalDecoder
from keras_ctx.generation.decoder import Decoder
from keras_ctx.generation.recurrent_decoder import RecurrentDecoder
from keras_ctx.generation.transformer_decoder import TransformerDecoder

KINDS = (TransformerDecoder, AttentionalDecoder, RecurrentDecoder)


def decoder_of(model: keras.Model, jit_compile: bool = False) -> Decoder:
    """Returns the decoder of a model that writes texts.

    Args:
        model: A model of `causal_language_model`, `awd_lstm_language_model`,
            `encoder_decoder` or `attentional_lstm_translator`.
        jit_compile: Whether XLA compiles the search.

    Raises:
        ValueError: The model is of another kind.

    Example:
        >>> from keras_ctx import models
        >>> model = models.awd_lstm_language_model(
        ...     models.awd_lstm_encoder(9, 6, 8))
        >>> decoder_of(model).vocabulary_size
        9
    """
    output = model.output if isinstance(model.output, dict) else {}
    for kind in KINDS:
        if "next_token" in output and kind.fits(model):
            return kind(model, jit_compile)
    raise ValueError(
        "`model` must be one of `causal_language_model`, "
        "`awd_lstm_language_model`, `encoder_decoder` or "
        "`attentional_lstm_translator`. A BERT cannot continue a text, also "
        "one of `bert_encoder(causal=True)`: pretrain a `gpt_encoder`. "
        f"Received: {model.name!r} with the layers "
        f"{sorted(layer.name for layer in model.layers)[:10]}"
    )
