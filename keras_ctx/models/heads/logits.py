"""The dense layer that gives a head's scores."""

import keras


def logits_layer(units: int, encoder: keras.Model) -> keras.layers.Dense:
    # That of the encoder's lowest layer that has one.
    found = [getattr(x, "initializer_range", None) for x in encoder.layers]
    start = next((x for x in found if x is not None), 0.02)
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=start),
        name="logits",
    )
