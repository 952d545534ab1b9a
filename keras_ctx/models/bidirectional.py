"""A bidirectional recurrent layer over the words of each row."""

import keras
from keras import ops

from keras_ctx.layers.base.orthogonal import Orthogonal

CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
"""The recurrent layers by the name of their cell."""


def bidirectional(x, padding_mask, cell: str, hidden_dim: int, name: str):
    """Reads `(B, T, D)` in both directions; zeros at padding.

    Padding changes no state, so the backward half begins at the last real
    word of a row.

    Args:
        x: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token.
        cell: A key of `CELLS`.
        hidden_dim: Number H of features in each direction.
        name: Name of the layer.

    Returns:
        `(B, T, 2H)`, forward half first.
    """
    # The paths of weights have the inner name only, which must be unique.
    layer = CELLS[cell](
        hidden_dim,
        return_sequences=True,
        recurrent_initializer=Orthogonal(),
        name=name,
    )
    layer = keras.layers.Bidirectional(layer, name=name)
    # `where` also drops the Keras mask, by which a loss would be weighted.
    x = layer(x, mask=padding_mask)
    return ops.where(ops.expand_dims(padding_mask, -1), x, 0)


def bidirectional_lstms(x, padding_mask, hidden_dim: int, num_layers: int):
    """Stacks LSTMs in both directions, for a head.

    Layer names: `lstm_0` ... .

    Args:
        x: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token.
        hidden_dim: Number H of features in each direction.
        num_layers: Number of layers.

    Returns:
        `(B, T, 2H)`, zeros at padding.
    """
    for k in range(num_layers):
        x = bidirectional(x, padding_mask, "lstm", hidden_dim, f"lstm_{k}")
    return x
