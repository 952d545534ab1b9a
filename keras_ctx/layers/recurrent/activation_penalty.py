"""The penalties on activations of AWD-LSTM: AR and TAR."""

import math

import keras
from keras import ops

from keras_ctx.checks import check_axes, check_rank
from keras_ctx.layers.base.token_mask import check_mask, token_mask


@keras.saving.register_keras_serializable(package="keras_ctx")
class ActivationPenalty(keras.layers.Layer):
    """Adds penalties on large and on quickly changing outputs to the loss.

    In training it adds

        activation * mean(dropped ** 2)
        + change * mean((inputs[t + 1] - inputs[t]) ** 2)

    over the features of all real tokens, and of all pairs of real tokens that
    stand side by side. In evaluation it adds nothing, so that a loss is that
    of the text.

    Args:
        activation: Weight of the first penalty (AR).
        change: Weight of the second (TAR).

    Call arguments:
        inputs: `(B, T, D)`, the last layer's outputs.
        dropped: `(B, T, D)`, the same after dropout.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of the inputs; without one all tokens are real.

    Returns:
        `dropped`, unchanged.

    Raises:
        ValueError: A weight is negative, or inputs differ in their shapes.

    Masking:
        Padding does not count. The Keras mask of `dropped` is passed on.

    Example:
        >>> import numpy as np
        >>> layer = ActivationPenalty(activation=2.0, change=1.0)
        >>> x = np.array([[[1.0], [3.0]]])
        >>> _ = layer(x, x, training=True)
        >>> float(layer.losses[0])  # 2 * (1 + 9) / 2 + (3 - 1) ** 2
        14.0

    Source:
        Merity et al. 2017, https://arxiv.org/abs/1708.01009; as in
        salesforce/awd-lstm-lm, which has no padding.
    """

    def __init__(self, activation: float = 2.0, change: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("activation", activation), ("change", change)):
            if not 0 <= value < math.inf:
                raise ValueError(
                    f"`{name}` must be a number of at least 0. "
                    f"Received: {name}={value!r}"
                )
        self.activation = activation
        self.change = change

    def compute_mask(self, inputs, previous_mask):
        return previous_mask

    def call(
        self,
        inputs,
        dropped,
        padding_mask=None,
        training=None,
        inputs_mask=None,
        dropped_mask=None,
    ):
        self._check(inputs, dropped, padding_mask)
        dropped = ops.cast(dropped, self.compute_dtype)
        if training and self.trainable:
            mask = token_mask(inputs, padding_mask, inputs_mask, dropped_mask)
            if mask is None:
                mask = ops.ones(ops.shape(inputs)[:2], "bool")
            x = _real(inputs, mask)
            pairs = ops.logical_and(mask[:, 1:], mask[:, :-1])
            self.add_loss(
                self.activation * _mean_square(dropped, mask)
                + self.change * _mean_square(x[:, 1:] - x[:, :-1], pairs)
            )
        return dropped

    def _check(self, inputs, dropped, padding_mask):
        check_rank(3, inputs=inputs, dropped=dropped)
        check_axes("BTD", inputs=inputs, dropped=dropped)
        check_mask(inputs, padding_mask)

    def compute_output_shape(
        self, inputs_shape, dropped_shape, padding_mask_shape=None
    ):
        self._check(inputs_shape, dropped_shape, padding_mask_shape)
        return tuple(dropped_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "activation": self.activation,
            "change": self.change,
        }


def _real(x, mask):
    """Returns numbers in float32 at least, with 0 where the mask is false."""
    dtype = keras.backend.standardize_dtype(x.dtype)
    x = ops.cast(x, "float64" if dtype == "float64" else "float32")
    # `where`, not a product: the numbers at padding may be NaN.
    return ops.where(ops.expand_dims(mask, -1), x, ops.zeros_like(x))


def _mean_square(x, mask):
    """Returns the mean square of the features of real tokens."""
    x = _real(x, mask)
    count = ops.maximum(ops.sum(ops.cast(mask, x.dtype)), 1) * x.shape[-1]
    return ops.sum(ops.square(x)) / count
