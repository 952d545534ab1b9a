"""The activations of encoder blocks, by the names of their checkpoints."""

import keras


@keras.saving.register_keras_serializable(package="keras_ctx")
def gelu_tanh(x):
    """GELU by the tanh approximation, as google-research/bert computes it."""
    return keras.activations.gelu(x, approximate=True)


ACTIVATIONS = {
    "gelu": keras.activations.gelu,  # exact, with the error function
    "gelu_tanh": gelu_tanh,
    "relu": keras.activations.relu,
}
