"""What a worker does by itself with a model that all of them train."""

import keras
import tensorflow as tf


def without_strategy(model: keras.Model) -> keras.Model:
    """The same layers outside of any strategy, to predict and to be saved.

    Under a strategy `predict_on_batch` would give every device the whole
    batch, and `predict` would give every worker the others' rows. Each worker
    has all weights, and predicts all rows by itself.

    Args:
        model: A functional model; called outside of the strategy's scope.

    Returns:
        A model of the same layers, inputs, outputs and name, not compiled.
        Without a strategy it is `model` itself.

    Example:
        >>> from keras_ctx import models
        >>> encoder = models.bert_tiny(100)
        >>> without_strategy(encoder) is encoder
        True
    """
    alone = tf.distribute.get_strategy()
    # Only on TensorFlow has a model a strategy.
    if getattr(model, "distribute_strategy", alone) is alone:
        return model
    same = keras.Model(model.input, model.output, name=model.name)
    same.jit_compile = model.jit_compile
    return same
