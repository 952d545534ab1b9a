"""Keeps frozen layers frozen after loading."""

import keras


def freeze_sublayers(layer: keras.layers.Layer) -> None:
    """Freezes the sublayers that `build` created, if the layer is frozen.

    `load_model` creates a frozen layer with `trainable=False` in the
    constructor, before its sublayers exist; Keras would then list their
    weights as trainable.
    """
    if not layer.trainable:
        # TensorFlow's tracking skips an assignment that changes nothing.
        layer.trainable = True
        layer.trainable = False
