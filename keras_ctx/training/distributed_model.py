"""What Keras 3.15 lacks to train on several workers, or on boolean masks.

Delete this file when https://github.com/keras-team/keras/issues/20585 is
closed: `distributed(model)` is then `model`.
"""

from typing import Any

import keras
import tensorflow as tf


def distributed(model: keras.Model) -> keras.Model:
    """The same model, which `fit` trains under every strategy.

    Keras 3 fails under `MultiWorkerMirroredStrategy` in two places, and under
    `MirroredStrategy` with boolean features in the first: to build a model it
    takes the mean of a batch over the devices, and it takes the mean of
    figures along an axis that they do not have.

    Args:
        model: A functional model, not compiled yet.

    Returns:
        A model of the same layers, inputs, outputs and name. Under one device
        it is `model` itself.

    Raises:
        ValueError: The model is compiled; the compilation would be lost.

    Example:
        >>> from keras_ctx import models
        >>> encoder = models.bert_tiny(100)
        >>> distributed(encoder) is encoder
        True
    """
    if not tf.distribute.has_strategy():
        return model
    if model.compiled:
        raise ValueError(
            "`model` must not be compiled before `distributed`: compile what "
            f"`distributed` returns. Received: {model.name}, compiled"
        )
    # What it adds to the training of its kind stays.
    kind = type("DistributedModel", (_Distributed, type(model)), {})
    return kind(model.input, model.output, name=model.name)


class _Distributed(keras.Model):
    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ):
        strategy = self.distribute_strategy
        if iterator is not None:
            _, _, batches = next(iter(iterator))
            data_batch = keras.tree.map_structure(
                lambda x: strategy.experimental_local_results(x)[0],
                next(batches),
            )
        with strategy.scope():
            self._symbolic_build(data_batch=data_batch)

    def train_step(self, data):
        return self._with_an_axis(super().train_step(data))

    def test_step(self, data):
        return self._with_an_axis(super().test_step(data))

    def _with_an_axis(self, figures: dict[str, Any]) -> dict[str, Any]:
        workers = tf.distribute.MultiWorkerMirroredStrategy
        if not isinstance(self.distribute_strategy, workers):
            return figures
        return {key: tf.reshape(x, (1,)) for key, x in figures.items()}
