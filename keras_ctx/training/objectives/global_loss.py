"""A loss over the rows of all devices together."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from keras_ctx.training.keras_hooks import LossOfFunction, copy_mask

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


class GlobalLoss(keras.losses.Loss):
    """A loss with the value and gradient that it has on one device.

    Keras takes the mean over the rows of each device, and the mean of these
    means, so that rows on a device with few rows count more. Here the sum
    over all devices is divided by the number of rows, or by the sum of
    weights, of all devices.

    On every device the value is the loss of the whole batch, divided by the
    number of devices, as Keras expects; the gradient is that of the device's
    own rows, and the optimizer sums the gradients.

    Args:
        loss: A Keras loss with any reduction to one number.

    Raises:
        ValueError: The loss cannot be computed in parts: it returns one
            number per row (`reduction=None`), one number for a batch before
            any reduction, or does not use `Loss.__call__`.

    Example:
        >>> loss = GlobalLoss(keras.losses.MeanSquaredError())
        >>> float(loss([[1.0], [2.0]], [[3.0], [2.0]]))
        2.0
    """

    def __init__(self, loss: keras.losses.Loss):
        super().__init__(name=loss.name, reduction="sum", dtype=loss.dtype)
        if loss.reduction not in ("sum", *_MEANS):
            raise ValueError(
                "`reduction` of a loss must be one of sum, "
                f"{', '.join(_MEANS)} on several devices. "
                f"Received: reduction={loss.reduction!r} of {loss.name}"
            )
        self.loss = loss

    def __call__(self, y_true, y_pred, sample_weight=None):
        found: list[Any] = []

        def values(y_true, y_pred):
            found.append(self.loss.call(y_true, y_pred))
            return found[-1]

        total = self._sum_of(values)(y_true, y_pred, sample_weight)
        # Keras does not sum a batch that is statically empty.
        total = ops.sum(total)
        if not found or found[-1].shape.rank == 0:
            raise ValueError(
                "On several devices a loss must return one number per row or "
                f"token and leave the sum to Keras. Received: {self.name}, "
                "which returns one number per batch. Return a value for each "
                "row instead, or train on one device"
            )
        count = self._count(found[-1], y_true, y_pred, sample_weight)
        return _of_all_devices(total, count)

    def _count(self, values, y_true, y_pred, sample_weight):
        """Returns the divisor of the sum of these rows; `None`: no division."""
        if self.loss.reduction == "sum":
            return None
        weighted = (
            self.loss.reduction == "mean_with_sample_weight"
            and sample_weight is not None
        )

        def ones(y_true, y_pred):
            # Keras sums the weights as given, not broadcast over missing axes.
            one = ops.ones_like(values)
            one = ops.ones([1] * len(one.shape)) if weighted else one
            copy_mask(values, one)
            return one

        counted = sample_weight if weighted else None
        return ops.sum(self._sum_of(ones)(y_true, y_pred, counted))

    def _sum_of(self, call: Callable) -> keras.losses.Loss:
        """Returns the loss with other values and reduction "sum"."""
        # A shallow copy; copy.copy would save and load the loss.
        changed = object.__new__(type(self.loss))
        vars(changed).update(vars(self.loss))
        changed.reduction = "sum"
        changed.call = call
        return changed


def over_all_devices(loss: Any) -> Any:
    """Wraps each loss of `compile` in a `GlobalLoss`.

    Args:
        loss: A name, function or loss, or a nested structure of them.

    Returns:
        The same structure of `GlobalLoss`.

    Example:
        >>> losses = over_all_devices({"logits": "mean_squared_error"})
        >>> losses["logits"].name
        'mean_squared_error'
    """
    return keras.tree.map_structure(_global_loss, loss)


def _global_loss(given: Any) -> GlobalLoss | None:
    if given is None or isinstance(given, GlobalLoss):
        return given
    if str(given).lower() in ("crossentropy", "ce"):
        raise ValueError(
            "On several devices `loss` must be a specific one: "
            '"binary_crossentropy", "categorical_crossentropy" or '
            f'"sparse_categorical_crossentropy". Received: loss={given!r}'
        )
    loss = keras.losses.get(given)
    if not isinstance(loss, keras.losses.Loss):
        name = given if isinstance(given, str) else _name(loss)
        loss = LossOfFunction(loss, name=name)
    return GlobalLoss(loss)


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _of_all_devices(total, count):
    context = tf.distribute.get_replica_context()
    # None where Keras builds the model, before the first step.
    devices = 1 if context is None else context.num_replicas_in_sync
    parts = [total] if count is None else [total, ops.cast(count, total.dtype)]
    parts = [tf.stop_gradient(part) for part in parts]
    if devices > 1:
        parts = context.all_reduce(  # pyright: ignore
            tf.distribute.ReduceOp.SUM, parts
        )
    own, whole = total, parts[0]
    if count is not None:
        own, whole = (ops.divide_no_nan(x, parts[1]) for x in (own, whole))
    return own - tf.stop_gradient(own) + whole / devices
