"""The activations of encoder blocks, by their names in checkpoints."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_ctx")
def gelu_tanh(x):
    """Computes GELU by the tanh approximation, as in google-research/bert."""
    return keras.activations.gelu(x, approximate=True)


ACTIVATIONS = {
    "gelu": keras.activations.gelu,  # exact, with the error function
    "gelu_tanh": gelu_tanh,
    "relu": keras.activations.relu,
    "silu": keras.activations.silu,  # also called swish
}


def activate(name: str, x, training):
    """Applies an activation by its name.

    Without gradients TensorFlow fuses it with the product before it. With
    them it does not, and a half precision would take three times as long as
    float32, in which it is computed then.
    """
    dtype = keras.backend.standardize_dtype(x.dtype)
    if training and dtype in ("bfloat16", "float16"):
        return ops.cast(ACTIVATIONS[name](ops.cast(x, "float32")), dtype)
    return ACTIVATIONS[name](x)


def softmax(x):
    """Computes the softmax over the last axis, which may have size 1.

    Keras warns about size 1, but a text of one token or an encoder of one
    layer is not a mistake.
    """
    if x.shape[-1] == 1:
        return ops.exp(ops.log_softmax(x, axis=-1))
    return ops.softmax(x, axis=-1)
