"""Private attributes of Keras that layers need.

Nothing else in `layers`, `models` and `serving` uses an attribute of Keras
that begins with an underscore. `tests/test_keras_hooks.py` checks that the
installed Keras still has each of them; setup.cfg allows only the minor version
of Keras that this was tested with.
"""

from typing import Any

import keras


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


class AttentionHook(keras.layers.MultiHeadAttention):
    """`keras.layers.MultiHeadAttention` with `attend` as its arithmetic.

    Why: a subclass can replace the arithmetic between the projections only by
    overriding `_compute_attention`, as Keras documents; and the dropout of
    the scores, with its seed, is a private attribute.
    """

    def attend(self, query, key, value, attention_mask, training) -> tuple:
        """Returns outputs `(B, T, H, D)` and scores `(B, H, T, T)`."""
        raise NotImplementedError

    def drop_scores(self, scores, training):
        """Applies dropout to attention scores."""
        return self._dropout_layer(scores, training=training)

    def _compute_attention(
        self,
        query,
        key,
        value,
        attention_mask=None,
        training=None,
        return_attention_scores=False,
        use_causal_mask=False,
    ):
        return self.attend(query, key, value, attention_mask, training)
