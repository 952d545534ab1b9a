"""What training uses of Keras that Keras has no public name for.

Nothing else in `training` touches an attribute of Keras that begins with an
underscore. `tests/test_keras_hooks.py` says of each that the installed Keras
still has it, as it is used here; setup.cfg allows only the minor version of
Keras that this was tested with.
"""

from typing import Any

import keras
import tensorflow as tf

# The loss that Keras makes of a function. Why: `compile` makes one of every
# function and name of a loss, but does not return it, and the class has no
# public name.
LossOfFunction: Any = keras.losses.MeanSquaredError.__base__


def start_at_epoch(model: keras.Model, epoch: int) -> None:
    """Lets the `fit` that calls a callback start with this epoch.

    Why: a callback learns at which epoch a run resumes only when `fit` has
    begun. Keras's own `BackupAndRestore` does the same.
    """
    model._initial_epoch = epoch  # pyright: ignore


def copy_mask(source: Any, target: Any) -> None:
    """Gives a tensor the mask that Keras attached to another one, if any.

    Why: a loss leaves masked tokens out by an attribute of its values. There
    is no public function to read or write it.
    """
    mask = getattr(source, "_keras_mask", None)
    if mask is not None:
        target._keras_mask = mask


class OptimizerHooks(keras.optimizers.Optimizer):
    """A base of optimizers that sum the gradients of all devices themselves.

    Why: Keras sums the gradients of the devices after it has clipped each
    device's own. Nothing public turns that off.
    """

    def index_of(self, variable) -> int:
        """The place of a variable among those the optimizer was built for.

        Why: Keras's guide to writing optimizers uses this look-up; there is
        no public one.
        """
        return self._get_variable_index(variable)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        # They are summed already.
        return list(grads_and_vars)


class BuildHook(keras.Model):
    """A model that `fit` builds by one device's part of the first batch.

    Why: `fit` builds metrics and losses from a batch of the dataset that a
    strategy has split, which Keras does not put together again:
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
