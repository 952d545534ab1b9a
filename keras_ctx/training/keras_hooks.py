"""Private attributes of Keras that training needs.

Nothing else in `training` uses an attribute of Keras that begins with an
underscore. `tests/test_keras_hooks.py` checks that the installed Keras still
has each of them; setup.cfg allows only the minor version of Keras that this
was tested with.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

# The class with which Keras wraps a function as a loss. Why: `compile` wraps
# every function and name of a loss, but the class has no public name.
LossOfFunction: Any = keras.losses.MeanSquaredError.__base__


def start_at_epoch(model: keras.Model, epoch: int) -> None:
    """Makes the `fit` that calls a callback start with this epoch.

    Why: a callback learns at which epoch a run resumes only after `fit` has
    begun. Keras's `BackupAndRestore` does the same.
    """
    model._initial_epoch = epoch  # pyright: ignore


def copy_mask(source: Any, target: Any) -> None:
    """Copies the Keras mask of a tensor, if any, to another one.

    Why: a loss leaves out masked tokens according to an attribute of its
    values. There is no public function to read or write it.
    """
    mask = getattr(source, "_keras_mask", None)
    if mask is not None:
        target._keras_mask = mask


class OptimizerHooks(keras.optimizers.Optimizer):
    """A base class of optimizers that sum the gradients of all devices.

    Why: Keras sums the gradients of the devices after it has clipped those of
    each device. There is no public way to turn this off.
    """

    def index_of(self, variable) -> int:
        """Returns the index of a variable in the optimizer.

        Why: Keras's guide to writing optimizers uses this lookup; there is no
        public one.
        """
        return self._get_variable_index(variable)

    def moments_of(self, variable) -> tuple[Any, Any]:
        """Returns Adam's means of a variable's gradients and their squares.

        Why: `Optimizer.variables` holds them, but under no public name.
        """
        index = self.index_of(variable)
        return self._momentums[index], self._velocities[index]

    def sum_of_squares(self, variable) -> keras.Variable:
        """Returns Adagrad's sum of a variable's squared gradients.

        Why: as for `moments_of`.
        """
        return self._accumulators[self.index_of(variable)]

    def clip(self, grads: list, clip_dense: Callable[[list], list]) -> list:
        """Clips gradients with a function that takes dense ones.

        Why: Keras multiplies gradients by a number, which sparse ones refuse.
        """
        return clip_dense(grads)

    def _clip_gradients(self, grads):
        return self.clip(grads, super()._clip_gradients)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        # The gradients are already summed.
        return list(grads_and_vars)


class BuildHook(keras.Model):
    """A model that `fit` builds with one device's part of the first batch.

    Why: `fit` builds metrics and losses from a batch that a strategy has
    split, which Keras does not handle:
    https://github.com/keras-team/keras/issues/20585.
    """

    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ):
        strategy: tf.distribute.Strategy = self.distribute_strategy
        if iterator is not None:
            _, _, batches = next(iter(iterator))
            data_batch = keras.tree.map_structure(
                lambda x: strategy.experimental_local_results(x)[0],
                next(batches),
            )
        with strategy.scope():
            self._symbolic_build(data_batch=data_batch)
