"""Dropout inside an encoder."""

import keras

from keras_ctx.layers.recurrent.locked_dropout import LockedDropout


@keras.saving.register_keras_serializable(package="keras_ctx")
class EncoderDropout(LockedDropout):
    """Drops features of each token, and none where the encoder is frozen.

    Arguments, shapes and errors are those of `LockedDropout`.

    Example:
        >>> import numpy as np
        >>> layer = EncoderDropout(0.5)
        >>> layer.trainable = False
        >>> np.asarray(layer(np.ones((1, 1, 3)), training=True))
        array([[[1., 1., 1.]]], dtype=float32)

    Source:
        Srivastava et al. 2014, section 4,
        https://jmlr.org/papers/v15/srivastava14a.html, scaled in training.

    Differs:
        `keras.layers.Dropout` drops in a frozen model, too: Keras gives
        `training=True` also to a model inside another one that was called with
        `training=False`.
    """

    def _masked(self, x):
        return x
