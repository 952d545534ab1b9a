"""Telling whether an encoder is still the one that made a result."""

import hashlib
import json

import keras


def encoder_digest(encoder: keras.Model) -> str:
    """A digest of the weights, and of how they are used.

    Args:
        encoder: Any Keras model that is built.

    Returns:
        The SHA-256 of each layer's configuration and weights, in hexadecimal.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import bert_tiny
        >>> encoder = bert_tiny(100)
        >>> before = encoder_digest(encoder)
        >>> _ = encoder.get_layer("pooler").bias.assign(np.ones(128))
        >>> encoder_digest(encoder) == before
        False
    """
    digest = hashlib.sha256()
    for layer in encoder.layers:
        if layer.weights:
            config = json.dumps(layer.get_config(), sort_keys=True, default=str)
            digest.update(config.encode())
            for weight in layer.get_weights():
                digest.update(weight.tobytes())
    return digest.hexdigest()
