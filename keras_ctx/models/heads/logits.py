"""The dense layer that gives a head's scores."""

import keras


def logits_layer(units: int, encoder: keras.Model) -> keras.layers.Dense:
    found = [x for x in encoder.layers if x.name == "embeddings"]
    start = getattr(found[0], "initializer_range", 0.02) if found else 0.02
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=start),
        name="logits",
    )
