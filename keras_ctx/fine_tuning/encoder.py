"""The encoder under a head: pretrained, or its untrained twin."""

import keras

from keras_ctx import convert, models
from keras_ctx.fine_tuning.options.shared import FineTuningOptions


def load_encoder(
    options: FineTuningOptions, pretrained: bool = True
) -> keras.Model:
    """Loads the encoder of `options.init`, to compute in `options.dtype`.

    Args:
        options: Uses `init` and `dtype`.
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
    return in_dtype(encoder, options.dtype)


def in_dtype(encoder: keras.Model, dtype: str) -> keras.Model:
    """Returns the encoder, or a copy that computes in another dtype.

    Args:
        encoder: See `convert.load_encoder`.
        dtype: "float32" returns the encoder unchanged; or another Keras dtype
            policy.
    """
    return encoder if dtype == "float32" else models.with_dtype(encoder, dtype)
