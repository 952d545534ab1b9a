"""Dropout with one mask for all steps of a row."""

import keras

from keras_ctx.checks import check_rank, check_rate
from keras_ctx.layers.base.dropout import noise_like


@keras.saving.register_keras_serializable(package="keras_ctx")
class LockedDropout(keras.layers.Layer):
    """Drops features of a row at all of its tokens, or at none.

    It is inverted dropout with one mask a row and feature, also called
    variational dropout: what is dropped stays dropped along the text.

    Args:
        rate: Dropout rate; not applied if the layer is frozen.

    Call arguments:
        inputs: `(B, T, D)`.

    Returns:
        `(B, T, D)`.

    Raises:
        ValueError: `rate` is outside [0, 1), or `inputs` has another rank.

    Masking:
        The Keras mask of `inputs` is passed on.

    Example:
        >>> import numpy as np
        >>> x = LockedDropout(0.5)(np.ones((1, 3, 8)), training=True)
        >>> bool(np.all(np.asarray(x) == np.asarray(x)[:, :1]))
        True

    Source:
        Gal and Ghahramani 2016, https://arxiv.org/abs/1512.05287; as in
        salesforce/awd-lstm-lm.

    Differs:
        `keras.layers.SpatialDropout1D` draws twice as many random bits, and
        drops in a frozen layer, too.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        check_rate(rate=rate)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()
        self.supports_masking = True

    def call(self, inputs, training=None):
        check_rank(3, inputs=inputs)
        x = keras.ops.cast(inputs, self.compute_dtype)
        if not training or not self.trainable or self.rate == 0:
            return x
        return x * noise_like(self._masked(x), self.rate, self.seed_generator)

    def _masked(self, x):
        """Returns the part of `x` that one mask is drawn for."""
        return x[:, :1]

    def compute_output_shape(self, inputs_shape):
        check_rank(3, inputs=inputs_shape)
        return tuple(inputs_shape)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
