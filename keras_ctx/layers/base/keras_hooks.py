"""Private attributes of Keras that layers need.

Nothing else in `layers`, `models` and `serving` uses an attribute of Keras
that begins with an underscore. `tests/test_keras_hooks.py` checks that the
installed Keras still has each of them; setup.cfg allows only the minor version
of Keras that this was tested with.
"""

from typing import Any

import keras
from keras import ops


def inner_layers(layer: Any) -> list:
    """Returns the direct sublayers of a layer or model, in order of creation.

    Why: `Model.layers` is public, but a layer that is not a model has no
    public list of its sublayers.
    """
    return layer._layers


def take_arguments_as_they_are(layer: keras.layers.Layer) -> None:
    """Makes Keras pass arguments, such as strings, to a layer unchanged.

    Why: Keras converts them to tensors of the layer's dtype, which only works
    for numbers; Keras's text layers and `Embedding` switch it off like this.
    """
    layer._convert_input_args = False


def as_stored(variable: Any) -> Any:
    """Returns the tensor of a variable in the dtype that it is stored in.

    Why: inside a layer Keras casts a variable wherever it is read, under a
    mixed policy; of an embedding table only a few rows are wanted. There is
    no public way to read it without the cast.
    """
    return ops.convert_to_tensor(stored_value(variable))


def stored_value(variable: Any) -> Any:
    """Returns the value of a variable in the dtype that it is stored in.

    On TensorFlow it is a `tf.Variable`.

    Why: see `as_stored`.
    """
    if not isinstance(variable, keras.Variable):
        return variable  # a sum, with LoRA
    cast, variable._autocast = variable._autocast, False
    try:
        return variable.value
    finally:
        variable._autocast = cast


class AttentionHook(keras.layers.MultiHeadAttention):
    """`keras.layers.MultiHeadAttention` that tells the dropout of its scores.

    Why: the layer, which has the rate and the seed, is a private attribute.
    """

    @property
    def dropout_layer(self) -> keras.layers.Dropout:
        """The `keras.layers.Dropout` of the attention scores."""
        return self._dropout_layer
