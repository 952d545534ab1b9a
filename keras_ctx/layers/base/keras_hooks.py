"""What layers use of Keras that Keras has no public name for.

Nothing else in `layers`, `models` and `serving` touches an attribute of Keras
that begins with an underscore. `tests/test_keras_hooks.py` says of each that
the installed Keras still has it, as it is used here; setup.cfg allows only the
minor version of Keras that this was tested with.
"""

from typing import Any

import keras


def inner_layers(layer: Any) -> list:
    """The layers right inside a layer or model, in the order they were set.

    Why: `Model.layers` is public, but a layer that is no model has no public
    way to the layers inside of it.
    """
    return layer._layers


def take_arguments_as_they_are(layer: keras.layers.Layer) -> None:
    """Gives the layer its arguments unchanged, such as strings.

    Why: Keras turns them into tensors of the layer's dtype, which there is of
    numbers alone; its layers of text and `Embedding` switch it off so.
    """
    layer._convert_input_args = False


class AttentionHook(keras.layers.MultiHeadAttention):
    """`keras.layers.MultiHeadAttention` that attends by `attend`.

    Why: Keras lets a subclass replace the arithmetic between its projections
    only by `_compute_attention`, which its documentation names for that; and
    the dropout of the scores, with its seed, is in an attribute of its own.
    """

    def attend(self, query, key, value, attention_mask, training) -> tuple:
        """The heads' outputs `(B, T, H, D)` and scores `(B, H, T, T)`."""
        raise NotImplementedError

    def drop_scores(self, scores, training):
        """Dropout of attention scores."""
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
