"""Freezing that outlives saving."""

import keras


def freeze_sublayers(layer: keras.layers.Layer) -> None:
    """Freezes what `build` has made, where the layer itself is frozen.

    `load_model` makes a frozen layer by `trainable=False` in the constructor,
    before its sublayers exist; Keras would list their weights as trainable.
    """
    if not layer.trainable:
        # TensorFlow's tracking skips an assignment that changes nothing.
        layer.trainable = True
        layer.trainable = False
