"""Uses a distributed model outside of its strategy."""

import keras
import tensorflow as tf


def without_strategy(model: keras.Model) -> keras.Model:
    """Returns a model of the same layers without a strategy.

    Use it to predict and to save. Under a strategy `predict_on_batch` would
    give the whole batch to every device, and `predict` would return the rows
    of all workers to each. Each worker has all weights, and can predict all
    rows by itself.

    Args:
        model: A functional model. Call this function outside of the scope of
            the strategy.

    Returns:
        A model with the same layers, inputs, outputs and name, not compiled.
        Without a strategy it is `model` itself.

    Example:
        >>> from keras_ctx import models
        >>> encoder = models.bert_tiny(100)
        >>> without_strategy(encoder) is encoder
        True
    """
    alone = tf.distribute.get_strategy()
    # A model has a strategy on TensorFlow only.
    if getattr(model, "distribute_strategy", alone) is alone:
        return model
    same = keras.Model(model.input, model.output, name=model.name)
    same.jit_compile = model.jit_compile
    return same
