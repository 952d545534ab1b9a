"""Losses of pretraining, exact with any number of devices.

All of them sum (`reduction="sum"`). The input pipeline normalizes the weights
over the global batch before it is split, so that the gradients of devices with
unequal numbers of targets sum to the gradient of one device. Keras's default
would divide by the number of values on each device.
"""

import keras
from keras import ops


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


def elmo_pretraining_losses() -> dict[str, keras.losses.Loss]:
    """Returns the two losses of `elmo_language_model`, for `compile`.

    The paper's loss is the mean of both: `loss_weights` of 0.5 each.

    Example:
        >>> sorted(elmo_pretraining_losses())
        ['backward', 'forward']
    """
    return {key: LogLikelihoodLoss(name=key) for key in ("forward", "backward")}
