"""Makes training on several devices equal to training on one."""

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ctx.training.keras_hooks import BuildHook
from keras_ctx.training.objectives.global_loss import over_all_devices
from keras_ctx.training.optimizers.global_clipping import SummedGradients


def distributed(model: keras.Model) -> keras.Model:
    """Returns the same model, which `fit` trains under any strategy correctly.

    Losses, metrics, gradients and predictions equal those of the same batches
    on one device, even if devices have unequal numbers of rows, as in a
    smaller last batch, or none at all. Without `distributed` Keras

    - takes the mean of the mean losses of the devices, so that a row counts
      more on a device with few rows, and weights differ from those of one
      device after a smaller batch;
    - fails under `MultiWorkerMirroredStrategy`
      (https://github.com/keras-team/keras/issues/20585) and, with boolean
      features, under `MirroredStrategy`.

    Layers that compute over the rows of a batch are not equal: Keras's
    `BatchNormalization` (unless `synchronized=True`) and activity
    regularizers are refused. `ScalarMix(layer_norm=True)` normalizes over the
    rows of each device. Dropout draws other numbers on each device.

    Args:
        model: A functional model that is not compiled yet.

    Returns:
        A model with the same layers, inputs, outputs and name. On one device
        it is `model` itself. To save it, save the result of
        `without_strategy`.

    Raises:
        ValueError: The model is compiled, which would be lost; or a layer
            depends on the other rows of its device. Later, `compile` raises
            for a loss that does not return one number per row, or for a Keras
            optimizer that clips or accumulates gradients.

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
            "`model` must not be compiled before `distributed`: compile the "
            f"model that it returns. Received: {model.name}, compiled"
        )
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        _check_layers(model)
    # A subclass of its class, so that its training methods are kept.
    kind = type("DistributedModel", (_Distributed, type(model)), {})
    return kind(model.input, model.output, name=model.name)


class _Distributed(BuildHook):
    def compile(self, optimizer="rmsprop", loss=None, *args, **kwargs):
        if self.distribute_strategy.num_replicas_in_sync > 1:
            loss = over_all_devices(loss)
        super().compile(optimizer, loss, *args, **kwargs)
        if self.distribute_strategy.num_replicas_in_sync > 1:
            _check_optimizer(self.optimizer)
            if self._is_mirrored() and self.steps_per_execution > 1:
                raise ValueError(
                    "`steps_per_execution` must be 1 on several devices: with "
                    "more, Keras 3.15 fails in the first step. Received: "
                    f"steps_per_execution={self.steps_per_execution}"
                )

    def train_on_batch(self, *args, **kwargs):
        self._refuse_whole_batches("train_on_batch", "fit")
        return super().train_on_batch(*args, **kwargs)

    def test_on_batch(self, *args, **kwargs):
        self._refuse_whole_batches("test_on_batch", "evaluate")
        return super().test_on_batch(*args, **kwargs)

    def predict_on_batch(self, *args, **kwargs):
        self._refuse_whole_batches("predict_on_batch", "predict")
        return super().predict_on_batch(*args, **kwargs)

    def _refuse_whole_batches(self, name: str, instead: str) -> None:
        devices = self.distribute_strategy.num_replicas_in_sync
        if devices > 1:
            raise ValueError(
                f"`{name}` would give the whole batch to each of {devices} "
                f"devices. Use `{instead}`, which splits it, or the model of "
                "`without_strategy`."
            )

    def _is_mirrored(self) -> bool:
        return isinstance(
            self.distribute_strategy,
            tf.distribute.MirroredStrategy
            | tf.distribute.MultiWorkerMirroredStrategy,
        )

    def train_step(self, data):
        return self._with_an_axis(super().train_step(data))

    def test_step(self, data):
        return self._with_an_axis(super().test_step(data))

    def get_metrics_result(self):
        """Returns metrics of all devices; Keras would average per device."""
        context = tf.distribute.get_replica_context()
        if context is None or not self._is_mirrored():
            return super().get_metrics_result()
        result = super().get_metrics_result
        return context.merge_call(lambda strategy: result())

    def _with_an_axis(self, figures: dict[str, Any]) -> dict[str, Any]:
        workers = tf.distribute.MultiWorkerMirroredStrategy
        if not isinstance(self.distribute_strategy, workers):
            return figures
        return {key: tf.reshape(x, (1,)) for key, x in figures.items()}


def _check_layers(model: keras.Model) -> None:
    for layer in _all_layers(model):
        batch_norm = isinstance(layer, keras.layers.BatchNormalization)
        if batch_norm and not layer.synchronized:
            raise ValueError(
                "`model` must not normalize over the rows of one device, "
                "which differs from training on one device: give "
                "`BatchNormalization` `synchronized=True`. Received: "
                f"{layer.path} of {model.name}"
            )
        if getattr(layer, "activity_regularizer", None) is not None:
            raise ValueError(
                "`model` must not have an activity regularizer on several "
                "devices: Keras would divide it by their number. Received: "
                f"{layer.path} of {model.name}"
            )


def _check_optimizer(optimizer: Any) -> None:
    # With mixed_float16, the optimizer is inside a `LossScaleOptimizer`.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(optimizer, SummedGradients):
        return
    for name in (
        "clipnorm",
        "global_clipnorm",
        "clipvalue",
        "gradient_accumulation_steps",
    ):
        if getattr(optimizer, name, None):
            raise ValueError(
                f"`{name}` of a Keras optimizer does not work on several "
                "devices: it applies to the gradients of each device, not to "
                "their sum. Use `bert_optimizer` or `elmo_optimizer` of "
                "keras_ctx.training, or leave it out. Received: "
                f"{name}={getattr(optimizer, name)} of {optimizer.name}"
            )


def _all_layers(model: Any) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)
