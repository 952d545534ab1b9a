"""Losses of pretraining, exact with any number of devices.

All of them sum (`reduction="sum"`). The input pipeline normalizes the weights
over the global batch before it is split, so that the gradients of devices with
unequal numbers of targets sum to the gradient of one device. Keras's default
would divide by the number of values on each device.
"""

import keras
from keras import ops

from keras_ctx.checks import check_rate


@keras.saving.register_keras_serializable(package="keras_ctx")
class LogLikelihoodLoss(keras.losses.Loss):
    """Weighted sum of negative log likelihoods that the model has computed.

    Call arguments:
        y_true: An array of the shape of `y_pred`; ignored.
        y_pred: Negative log likelihoods, as `elmo_language_model` returns
            them.
        sample_weight: Weights of the shape of `y_pred`, or one per row. Where
            a weight is 0, `y_pred` is ignored and may be NaN.

    Example:
        >>> import numpy as np
        >>> nll = np.array([[1.0, 2.0, 9.0]])
        >>> loss = LogLikelihoodLoss()
        >>> float(loss(0 * nll, nll, np.array([[0.5, 0.5, 0.0]])))
        1.5
    """

    def __init__(self, name: str = "log_likelihood", **kwargs):
        super().__init__(**{"name": name, "reduction": "sum", **kwargs})

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
            y_pred = ops.convert_to_tensor(y_pred)
            missing = len(y_pred.shape) - len(sample_weight.shape)
            shape = (*ops.shape(sample_weight), *[1] * missing)
            counts = ops.reshape(sample_weight, shape) != 0
            y_pred = ops.where(counts, y_pred, ops.zeros_like(y_pred))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        return y_pred


def bert_pretraining_losses() -> dict[str, keras.losses.Loss]:
    """Returns the two losses of `bert_pretrainer`, for `compile`.

    Example:
        >>> sorted(bert_pretraining_losses())
        ['masked_lm', 'next_sentence']
    """
    return {
        key: keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="sum", name=key
        )
        for key in ("masked_lm", "next_sentence")
    }


@keras.saving.register_keras_serializable(package="keras_ctx")
class NextTokenLoss(keras.losses.Loss):
    """Weighted sum of cross entropies, with label smoothing.

    The target has the probability `1 - label_smoothing`, and every token of
    the vocabulary, the target too, `label_smoothing / V` more, as in Keras and
    PyTorch. Other libraries leave out the target or padding there, which gives
    other losses for the same model.

    Args:
        label_smoothing: Probability that is spread over the vocabulary.

    Call arguments:
        y_true: Integers `(B, T)`.
        y_pred: Logits `(B, T, V)`.
        sample_weight: Weights `(B, T)`.

    Raises:
        ValueError: `label_smoothing` is outside [0, 1).

    Example:
        >>> import numpy as np
        >>> logits = np.log([[[0.7, 0.2, 0.1]]])
        >>> loss = NextTokenLoss(label_smoothing=0.3)
        >>> expected = -0.7 * np.log(0.7) - 0.1 * np.log(0.7 * 0.2 * 0.1)
        >>> bool(abs(float(loss([[0]], logits)) - expected) < 1e-6)
        True

    Source:
        Szegedy et al. 2016, section 7, https://arxiv.org/abs/1512.00567;
        Vaswani et al. 2017, section 5.4.
    """

    def __init__(
        self, label_smoothing: float = 0.0, name: str = "next_token", **kwargs
    ):
        super().__init__(**{"name": name, "reduction": "sum", **kwargs})
        check_rate(label_smoothing=label_smoothing)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        if keras.backend.standardize_dtype(y_pred.dtype) != "float64":
            y_pred = ops.cast(y_pred, "float32")
        nats = ops.sparse_categorical_crossentropy(
            ops.cast(y_true, "int32"), y_pred, from_logits=True
        )
        if self.label_smoothing == 0:
            return nats
        # The mean of the log probabilities, from those of the target.
        y_true = ops.cast(y_true, "int32")[..., None]
        of_target = ops.take_along_axis(y_pred, y_true, axis=-1)[..., 0]
        total = nats + of_target  # the logarithm of the softmax's sum
        spread = total - ops.mean(y_pred, axis=-1)
        share = self.label_smoothing
        return (1 - share) * nats + share * spread

    def get_config(self):
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
        }


def causal_losses(
    label_smoothing: float = 0.0,
) -> dict[str, keras.losses.Loss]:
    """Returns the loss of a causal model or a translator, for `compile`.

    Args:
        label_smoothing: See `NextTokenLoss`.

    Example:
        >>> sorted(causal_losses())
        ['next_token']
    """
    return {"next_token": NextTokenLoss(label_smoothing)}


def elmo_pretraining_losses() -> dict[str, keras.losses.Loss]:
    """Returns the two losses of `elmo_language_model`, for `compile`.

    The paper's loss is the mean of both: `loss_weights` of 0.5 each.

    Example:
        >>> sorted(elmo_pretraining_losses())
        ['backward', 'forward']
    """
    return {key: LogLikelihoodLoss(name=key) for key in ("forward", "backward")}
