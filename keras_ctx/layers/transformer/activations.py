"""The activations of encoder blocks, by the names of their checkpoints."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_ctx")
def gelu_tanh(x):
    """GELU by the tanh approximation, as google-research/bert computes it."""
    return keras.activations.gelu(x, approximate=True)


ACTIVATIONS = {
    "gelu": keras.activations.gelu,  # exact, with the error function
    "gelu_tanh": gelu_tanh,
    "relu": keras.activations.relu,
}


def softmax(x):
    """Softmax over the last axis, which may have one entry only: Keras warns
    of that, and a text of one token or an encoder of one layer is no mistake.
    """
    if x.shape[-1] == 1:
        return ops.exp(ops.log_softmax(x, axis=-1))
    return ops.softmax(x, axis=-1)
