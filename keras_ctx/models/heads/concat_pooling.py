"""ULMFiT's head: three poolings of a text, and a hidden layer."""

from typing import Literal

import keras
from keras import ops

from keras_ctx import layers

Head = Literal["linear", "concat_pooling"]
# Of fastai. Keras's own norms would keep their starting values for hundreds
# of steps.
_FEATURES = 50
_MOMENTUM, _EPSILON = 0.9, 1e-5


def concat_pooled(sequence, padding_mask, dropout: float):
    """Returns the features `(B, 50)` that the last dense layer reads.

    Layer names: `last_token`, `max_and_mean`, `pooled_norm`,
    `pooled_dropout`, `hidden`, `hidden_norm`.
    """
    last = layers.Pooling("last", name="last_token")
    others = layers.Pooling(("max", "mean"), name="max_and_mean")
    x = ops.concatenate(
        [last(sequence, padding_mask), others(sequence, padding_mask)], axis=-1
    )
    x = _norm("pooled_norm")(x)
    x = keras.layers.Dropout(dropout, name="pooled_dropout")(x)
    x = keras.layers.Dense(_FEATURES, "relu", name="hidden")(x)
    return _norm("hidden_norm")(x)


def _norm(name: str) -> keras.layers.BatchNormalization:
    return keras.layers.BatchNormalization(
        momentum=_MOMENTUM, epsilon=_EPSILON, name=name
    )
