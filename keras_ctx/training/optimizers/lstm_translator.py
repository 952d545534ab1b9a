"""The optimizers of a translator with LSTMs."""

from typing import Literal

import keras

from keras_ctx.checks import check_choice, check_positive
from keras_ctx.training.optimizers.global_clipping import SummedGradients
from keras_ctx.training.optimizers.layerwise_adamw import LayerwiseAdamW

OPTIMIZERS = ("adam", "sgd")
LEARNING_RATES = {"adam": 2e-3, "sgd": 1.0}
"""The first rate of each; 1 is that of CoVe."""


@keras.saving.register_keras_serializable(package="keras_ctx")
class SGD(SummedGradients, keras.optimizers.SGD):
    """Keras's SGD, which sums the gradients of devices before it clips."""


def lstm_translator_optimizer(
    optimizer: Literal["adam", "sgd"] = "adam",
    learning_rate: float | None = None,
    clip_norm: float = 5.0,
) -> keras.optimizers.Optimizer:
    """Creates the optimizer of a translator with LSTMs.

    The rate is constant: `HalveRate` lowers it. CoVe's code sums the loss over
    the tokens of a text and takes the mean over the batch. If your loss is a
    mean over tokens, give `compile` the mean number of target tokens as its
    loss weight; then a rate of 1 is that of CoVe.

    Args:
        optimizer: "sgd", that of CoVe, or "adam".
        learning_rate: First learning rate; `None`: 1 for "sgd", 0.002 for
            "adam".
        clip_norm: Bound on the global norm of the gradients.

    Raises:
        ValueError: An argument is out of range.

    Example:
        >>> float(lstm_translator_optimizer("sgd").learning_rate)
        1.0

    Source:
        McCann et al. 2017, section 3, https://arxiv.org/abs/1708.00107.
    """
    check_choice(OPTIMIZERS, optimizer=optimizer)
    check_positive(learning_rate=learning_rate, clip_norm=clip_norm)
    if learning_rate is None:
        learning_rate = LEARNING_RATES[optimizer]
    if optimizer == "sgd":
        return SGD(learning_rate, global_clipnorm=clip_norm)
    return LayerwiseAdamW(
        learning_rate, weight_decay=0.0, global_clipnorm=clip_norm
    )
