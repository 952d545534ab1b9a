"""The encoder under a head: from a folder, or its untrained twin."""

import keras

from keras_ctx import convert, models
from keras_ctx.fine_tuning.options.shared import FineTuningOptions


def load_encoder(
    options: FineTuningOptions, pretrained: bool = True
) -> keras.Model:
    """The encoder of `options.init`, which computes in `options.dtype`.

    Args:
        options: `init` and `dtype` are read.
        pretrained: `False`: the same layers with new, random weights, to
            measure what pretraining brings.

    Raises:
        FileNotFoundError, ValueError: As of `convert.load_encoder`.

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
    return in_dtype(encoder, options.dtype)


def in_dtype(encoder: keras.Model, dtype: str) -> keras.Model:
    """The encoder, or a copy of it where it is to compute in another dtype.

    Args:
        encoder: Of `convert.load_encoder`.
        dtype: "float32": as it is; or another policy of Keras.
    """
    return encoder if dtype == "float32" else models.with_dtype(encoder, dtype)
