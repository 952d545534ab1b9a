"""Sums the gradients of all devices before their norm is clipped."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import ops

from keras_ctx.training.keras_hooks import OptimizerHooks
from keras_ctx.training.optimizers.sparse_rows import (
    dense,
    distinct_rows,
    numbers_of,
    with_numbers,
)


class SummedGradients(OptimizerHooks):
    """A mixin for optimizers that clip gradients.

    Keras 3.15 clips the gradients of each device and then sums them. Their
    norm differs from that of the sum, so that two devices would not train as
    one. `gradient_norm` is the norm for the last batch, before clipping.
    """

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.gradient_norm = self.add_variable(
                (), aggregation="only_first_replica", name="gradient_norm"
            )

    def apply(self, grads, trainable_variables=None):
        context = tf.distribute.get_replica_context()
        if (
            keras.backend.backend() == "tensorflow"
            and context is not None
            and context.num_replicas_in_sync > 1
        ):
            # A variable without a gradient has none on any device.
            there = [gradient for gradient in grads if gradient is not None]
            summed = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, there))
            grads = [x if x is None else next(summed) for x in grads]
        if self.loss_scale_factor:  # Keras divides gradients, if dense
            grads = list(map(dense, grads))
        grads = [distinct_rows(gradient) for gradient in grads]
        if self.built:
            self.gradient_norm.assign(ops.cast(_norm(grads), "float32"))
        self.apply_summed(grads, trainable_variables)

    def clip(self, grads: list, clip_dense: Callable[[list], list]) -> list:
        # Keras clips no sparse gradients. Zeros do not change with a norm.
        numbers = [numbers_of(gradient) for gradient in grads]
        if self.global_clipnorm and self.global_clipnorm > 0:
            clipped = _clipped(numbers, self.global_clipnorm)
        else:
            clipped = clip_dense(numbers)
        return list(map(with_numbers, grads, clipped))

    def apply_summed(self, grads, trainable_variables) -> None:
        """Clips and updates, with the same gradients on every device."""
        super().apply(grads, trainable_variables)


def _clipped(gradients: list, bound: float) -> list:
    """Clips the global norm as Keras does, but reads gradients once for it.

    If one number is not finite, all are NaN.
    """
    norm = _norm(gradients)
    scale = bound * ops.minimum(1 / norm, 1 / bound) + (norm - norm)
    return [
        x if x is None else ops.multiply(x, ops.cast(scale, x.dtype))
        for x in gradients
    ]


def _norm(gradients):
    """Returns the norm of all gradients, in float64 if one of them is."""
    numbers = [numbers_of(x) for x in gradients if x is not None]
    found = {keras.backend.standardize_dtype(x.dtype) for x in numbers}
    dtype = "float64" if "float64" in found else "float32"
    return ops.sqrt(sum(_sum_of_squares(ops.cast(x, dtype)) for x in numbers))


def _sum_of_squares(numbers):
    if keras.backend.backend() == "tensorflow":
        return 2 * tf.nn.l2_loss(numbers)  # does not write the squares
    return ops.sum(ops.square(numbers))
