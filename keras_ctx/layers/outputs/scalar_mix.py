"""ELMo's task-specific mixture of an encoder's layers."""

import math
from collections.abc import Sequence
from typing import Literal

import keras
import numpy as np
from keras import ops

from keras_ctx.checks import check_at_least, check_axes, check_choice, shape_of
from keras_ctx.layers.base.token_mask import check_mask, merged, token_mask
from keras_ctx.layers.transformer.activations import softmax

# Added to the variance.
_EPSILON = {"bilm-tf": 1e-12, "allennlp": 1e-13}


@keras.saving.register_keras_serializable(package="keras_ctx")
class ScalarMix(keras.layers.Layer):
    """Mixes layers: `scale * sum_k softmax(weights)_k * layer_k`.

    The weights start at 0 (equal shares) and the scale at 1. With
    `layer_norm`, each layer is first normalized by one mean and one variance
    over all real positions and features *of the batch*, without a learned
    scale. This couples the rows of a batch; the published models work best
    without it.

    The two published norms count different tokens. bilm-tf's leaves out the
    sentence markers: give the layers and the mask of an encoder. allennlp's
    counts them: mix the layers before an encoder removes the markers
    (the output of `char_cnn`, twice side by side, and
    `encoder.get_layer("bilm").output`) under the mask of
    `marked_padding_mask`, and apply `StripSentenceMarkers` to the mixture.

    Args:
        num_layers: Number of layers to mix.
        layer_norm: Whether to normalize each layer first; "bilm-tf" (or true)
            adds 1e-12 to the variance, "allennlp" 1e-13.
        trainable_scale: Whether the scale is trained.
        weights_l2: L2 penalty on the weights before the softmax. The paper
            mostly uses 0.001, and 1 for nearly equal shares. The scale has no
            penalty.

    Call arguments:
        layers: List of `num_layers` tensors `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token; only used by
            `layer_norm`. `None`: the Keras mask of `layers`; without one all
            tokens are real.

    Returns:
        `(B, T, D)`.

    Raises:
        ValueError: `num_layers` is not positive or differs from the number
            of layers given, `layer_norm` is unknown, `weights_l2` is
            negative, or the mask has the wrong rank.

    Masking:
        With `layer_norm` the mixture is 0 at padding.

    Example:
        >>> import numpy as np
        >>> mix = ScalarMix(num_layers=2)
        >>> np.asarray(mix([np.full((1, 1, 1), 2.0), np.full((1, 1, 1), 4.0)]))
        array([[[3.]]], dtype=float32)

    Source:
        Peters et al. 2018, equation 1 and section 3.2,
        https://arxiv.org/abs/1802.05365; norms and penalty as in
        allenai/bilm-tf and allenai/allennlp.

    Differs:
        bilm-tf adds 1/num_layers to every weight inside the softmax, which
        has no effect. In float16 allennlp adds 1e-4 to the variance; this
        layer computes it in float32.
    """

    def __init__(
        self,
        num_layers: int,
        layer_norm: bool | Literal["bilm-tf", "allennlp"] = False,
        trainable_scale: bool = True,
        weights_l2: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(1, num_layers=num_layers)
        if not isinstance(layer_norm, bool):
            check_choice(tuple(_EPSILON), layer_norm=layer_norm)
        if not 0 <= weights_l2 < math.inf:
            raise ValueError(
                "`weights_l2` must be a number of at least 0. "
                f"Received: weights_l2={weights_l2!r}"
            )
        self.num_layers = num_layers
        self.layer_norm = layer_norm
        self.trainable_scale = trainable_scale
        self.weights_l2 = weights_l2

    def build(self, layers_shape, padding_mask_shape=None):
        # Also in `build`: a functional model calls `call` only when it runs.
        self._check_number(layers_shape)
        self.weights_before_softmax = self.add_weight(
            name="weights",
            shape=(self.num_layers,),
            initializer="zeros",
            regularizer=keras.regularizers.L2(self.weights_l2)
            if self.weights_l2
            else None,
        )
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer="ones",
            trainable=self.trainable_scale,
        )

    def compute_mask(self, layers, previous_mask):
        return merged(previous_mask)

    def call(
        self, layers: Sequence, padding_mask=None, mask=None, layers_mask=None
    ):
        self._check_number(layers)
        layers = [ops.cast(x, self.compute_dtype) for x in layers]
        padding_mask = token_mask(layers[0], padding_mask, mask, layers_mask)
        if self.layer_norm:
            which = "bilm-tf" if self.layer_norm is True else self.layer_norm
            layers = [
                normalize(layer, padding_mask, _EPSILON[which])
                for layer in layers
            ]
        shares = softmax(self.weights_before_softmax)
        mixed = sum(shares[k] * layer for k, layer in enumerate(layers))
        return self.scale * mixed

    @property
    def shares(self) -> np.ndarray:
        """The share of each layer in the mixture, `(num_layers,)`."""
        raw = ops.cast(self.weights_before_softmax, "float32")
        return ops.convert_to_numpy(softmax(raw))

    def _check_number(self, layers):
        one = hasattr(layers, "shape") or isinstance(layers[0], int | None)
        if one:  # a tensor, or its shape
            raise ValueError(
                f"`layers` must be a list of `num_layers={self.num_layers}` "
                "tensors (B, T, D). Received: one tensor, "
                f"shape={shape_of(layers)}"
            )
        if len(layers) != self.num_layers:
            raise ValueError(
                f"`layers` must hold `num_layers={self.num_layers}` tensors. "
                f"Received: {len(layers)}"
            )
        for k, layer in enumerate(layers):
            named = {"layers[0]": layers[0], f"layers[{k}]": layer}
            check_axes("BTD", **named)

    def compute_output_shape(self, layers_shape, padding_mask_shape=None):
        self._check_number(layers_shape)
        check_mask(layers_shape[0], padding_mask_shape)
        return tuple(layers_shape[0])

    def get_config(self):
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "layer_norm": self.layer_norm,
            "trainable_scale": self.trainable_scale,
            "weights_l2": self.weights_l2,
        }


def normalize(x, padding_mask=None, epsilon=1e-12):
    """Normalizes to mean 0 and variance 1 over the real tokens of a batch."""
    dtype = x.dtype
    x = ops.cast(x, "float64" if dtype == "float64" else "float32")
    mask = ops.ones_like(x, dtype="bool")
    if padding_mask is not None:
        real = ops.cast(ops.expand_dims(padding_mask, -1), "bool")
        mask = ops.logical_and(mask, real)
    # `where`, not a product: 0 times NaN is NaN, also in a gradient.
    zero = ops.zeros_like(x)
    x = ops.where(mask, x, zero)
    count = ops.maximum(ops.sum(ops.cast(mask, x.dtype)), 1)
    mean = ops.sum(x) / count
    x = ops.where(mask, x - mean, zero)
    variance = ops.sum(ops.square(x)) / count
    return ops.cast(x / ops.sqrt(variance + epsilon), dtype)
