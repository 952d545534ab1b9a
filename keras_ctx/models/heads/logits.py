"""The dense layer that computes the logits of a head."""

import keras


def logits_layer(units: int, encoder: keras.Model) -> keras.layers.Dense:
    # Initialized as the encoder's lowest layer with `initializer_range`.
    found = [getattr(x, "initializer_range", None) for x in encoder.layers]
    start = next((x for x in found if x is not None), 0.02)
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=start),
        name="logits",
    )
