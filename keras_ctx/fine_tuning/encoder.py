"""The encoder under a head: pretrained, or its untrained twin."""

from pathlib import Path

import keras

from keras_ctx import convert, models
from keras_ctx.fine_tuning.options.shared import (
    FineTuningOptions,
    LabelledDataOptions,
)
from keras_ctx.fine_tuning.options.ulmfit import ULMFiTOptions


def load_encoder(
    options: FineTuningOptions, pretrained: bool = True
) -> keras.Model:
    """Loads the encoder of `options.init`, to compute in `options.dtype`.

    Args:
        options: Uses `init`, the options of `RecurrentOptions` and those of
            `prepared`.
        pretrained: If `False`, the same layers get new random weights, to
            measure the gain from pretraining.

    Raises:
        FileNotFoundError, ValueError: See `convert.load_encoder`.

    Example:
        >>> import pathlib
        >>> models.bert_tiny(100).save("encoder.keras")
        >>> options = FineTuningOptions(
        ...     init=pathlib.Path("."), output=pathlib.Path("runs/one"),
        ...     dtype="mixed_bfloat16")
        >>> load_encoder(options).output["sequence"].dtype
        'bfloat16'
    """
    encoder = _loaded(options.init, pretrained)
    return prepared(under_the_head(options, encoder, pretrained), options)


def under_the_head(
    options: FineTuningOptions, encoder: keras.Model, pretrained: bool = True
) -> keras.Model:
    """Returns the encoder, or a `recurrent_encoder` on it.

    Args:
        options: Options of the recipe.
        encoder: The encoder of `options.init`.
        pretrained: If `False`, the encoder of `options.context` gets new
            random weights.
    """
    if not isinstance(options, LabelledDataOptions) or not options.is_recurrent:
        return encoder
    context, mix = None, "last"
    if options.context is not None:
        context = _loaded(options.context, pretrained)
        mix = options.layer_mixture(context)
    return models.recurrent_encoder(
        encoder,
        options.recurrent_dim,
        options.recurrent_layers,
        options.cell,
        options.recurrent_dropout,
        context,
        options.join_places,
        mix,
    )


def _loaded(folder: Path, pretrained: bool) -> keras.Model:
    encoder = convert.load_encoder(folder)
    return encoder if pretrained else keras.models.clone_model(encoder)


def prepared(encoder: keras.Model, options: FineTuningOptions) -> keras.Model:
    """Returns the encoder, or a copy with the options' dtype and dropout.

    Args:
        encoder: See `convert.load_encoder`.
        options: Uses `dtype`, and `drop_mult` and `bptt` of a classifier.
    """
    if isinstance(options, ULMFiTOptions):
        encoder = options.of_encoder(encoder)
    if options.dtype == "float32":
        return encoder
    return models.with_dtype(encoder, options.dtype)
