"""Heads that need an output for every token."""

import keras

from keras_ctx import layers


def check_whole_rows(encoder: keras.Model) -> None:
    """Refuses an encoder that returns only the last tokens of a row."""
    if any(isinstance(x, layers.DocumentLSTM) for x in encoder.layers):
        raise ValueError(
            "`encoder` must return all tokens of a row. Build this head on the "
            "`awd_lstm_encoder` itself. Received: "
            f"{encoder.name!r}, which returns the last tokens of documents"
        )
