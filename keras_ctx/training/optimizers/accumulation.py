"""Averages the gradients of several batches into one update."""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from keras_ctx.training.optimizers.global_clipping import SummedGradients


class AccumulatedGradients(SummedGradients):
    """A mixin for optimizers that accumulate gradients on several devices.

    Keras 3.15 puts the communication of the devices inside the condition
    whether a batch updates the weights, which TensorFlow forbids. Here the
    gradients are summed outside of that condition, and each variable has its
    own: `update_step` must do all its work within `if_it_updates`. On other
    backends than TensorFlow, Keras accumulates.
    """

    def __init__(self, *args, gradient_accumulation_steps=None, **kwargs):
        ours = keras.backend.backend() == "tensorflow"
        super().__init__(
            *args,
            gradient_accumulation_steps=(
                None if ours else gradient_accumulation_steps
            ),
            **kwargs,
        )
        self.accumulated = gradient_accumulation_steps
        self.batches_per_update = gradient_accumulation_steps if ours else None

    @property
    def iterations(self):
        """The number of updates, as in Keras."""
        batches = super().iterations
        if not self.batches_per_update:
            return batches
        return ops.floor_divide(batches, self.batches_per_update)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        if self.batches_per_update:
            # Without an aggregation each device has a copy; all are equal.
            self.sums = [
                self.add_variable_from_reference(variable, "gradient_sum")
                for variable in variables
            ]

    def apply_summed(self, grads: Sequence, trainable_variables) -> None:
        if self.batches_per_update and (self.built or trainable_variables):
            grads = self._averages(grads, trainable_variables)
        super().apply_summed(grads, trainable_variables)

    def _averages(self, grads: Sequence, trainable_variables) -> list:
        """Averages the gradients of the batches since the last update."""
        if trainable_variables is None:
            sums = self.sums
        else:
            self.build(trainable_variables)
            indices = map(self.index_of, trainable_variables)
            sums = [self.sums[index] for index in indices]
        averages = []
        for gradient, kept in zip(grads, sums, strict=True):
            if gradient is not None:
                total = ops.add(kept, gradient)
                zeros = ops.zeros_like(total)
                kept.assign(ops.where(self._updates(), zeros, total))
                gradient = total / self.batches_per_update
            averages.append(gradient)
        return averages

    def if_it_updates(self, step: Callable[[], None]) -> None:
        """Calls `step` if this batch is the last one of an update."""
        if self.batches_per_update:
            ops.cond(self._updates(), step, lambda: None)
        else:
            step()

    def _updates(self):
        batches = super().iterations
        return ops.equal(ops.mod(batches + 1, self.batches_per_update), 0)

    def get_config(self):
        return {
            **super().get_config(),
            "gradient_accumulation_steps": self.accumulated,
        }
