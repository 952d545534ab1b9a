"""Adagrad whose steps cost only the rows that a batch has read."""

import keras

from keras_ctx.training.optimizers.global_clipping import SummedGradients
from keras_ctx.training.optimizers.sparse_rows import (
    apply_adagrad,
    has_sparse_kernel,
)


@keras.saving.register_keras_serializable(package="keras_ctx")
class Adagrad(SummedGradients, keras.optimizers.Adagrad):
    """Keras's Adagrad, which sums gradients before it clips and squares them.

    It sums those of all devices, and those of all occurrences of a row. So
    the sparse gradients of a table (`SampledSoftmax.sparse_gradient`) give
    the same step as dense ones. With `epsilon=0` their step takes time and
    memory for the rows that the batch has read, not for the table.
    """

    def update_step(self, gradient, variable, learning_rate):
        if self.epsilon or not has_sparse_kernel(gradient, variable):
            super().update_step(gradient, variable, learning_rate)
            return
        apply_adagrad(
            gradient, variable, self.sum_of_squares(variable), learning_rate
        )
