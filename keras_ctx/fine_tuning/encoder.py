"""The encoder under a head: pretrained, or its untrained twin."""

import keras

from keras_ctx import convert, models
from keras_ctx.fine_tuning.options.shared import FineTuningOptions
from keras_ctx.fine_tuning.options.ulmfit import ULMFiTOptions


def load_encoder(
    options: FineTuningOptions, pretrained: bool = True
) -> keras.Model:
    """Loads the encoder of `options.init`, to compute in `options.dtype`.

    Args:
        options: Uses `init`, and those of `prepared`.
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
    encoder = convert.load_encoder(options.init)
    if not pretrained:
        encoder = keras.models.clone_model(encoder)
    return prepared(encoder, options)


def prepared(encoder: keras.Model, options: FineTuningOptions) -> keras.Model:
    """Returns the encoder, or a copy as the options ask for.

    Args:
        encoder: See `convert.load_encoder`.
        options: Uses `dtype`, and `drop_mult` and `bptt` of a classifier.
    """
    if isinstance(options, ULMFiTOptions):
        encoder = options.of_encoder(encoder)
    if options.dtype == "float32":
        return encoder
    return models.with_dtype(encoder, options.dtype)
