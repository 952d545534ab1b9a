"""Completes an epoch in which a run was interrupted."""

from pathlib import Path
from typing import Any

import keras

from keras_ctx.callback_order import MEASURE, PlacedCallback
from keras_ctx.training.run.checkpoints import (
    checkpoints,
    newest_position,
    saved_figures,
)

# The value of `stop_training` that ends this epoch only. If another callback
# sets it to True, training ends.
_ENDS_EARLY: Any = object()


class ResumedEpoch(PlacedCallback):
    """Restores the metrics of a resumed epoch, and runs its remaining steps.

    So callbacks that log metrics, and Keras's progress bar, get the means
    over all steps of the epoch.

    Args:
        folder: Folder of the run.
    """

    place = MEASURE

    def __init__(self, folder: str | Path):
        super().__init__()
        self.folder = Path(folder)

    def on_train_begin(self, logs=None):
        self._done = newest_position(self.folder).epoch_step
        found = checkpoints(self.folder)
        self._figures = saved_figures(found[-1]) if found else []

    def on_train_batch_end(self, batch, logs=None):
        if not self._done:
            return
        if batch == 0:
            # Not sooner: Keras creates metrics in the first step.
            self._add_figures()
            if logs is not None:
                logs.update(
                    keras.tree.map_structure(
                        float, self.model.get_metrics_result()
                    )
                )
        steps = self.params["steps"]
        if steps is not None and self._done + batch + 1 >= steps:
            # Otherwise Keras would run as many steps as a whole epoch has.
            self.model.stop_training = self.model.stop_training or _ENDS_EARLY

    def on_epoch_end(self, epoch, logs=None):
        self._done = 0
        if self.model.stop_training is _ENDS_EARLY:
            self.model.stop_training = False

    def _add_figures(self) -> None:
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        variables = self.model.metrics_variables
        for variable, value in zip(variables, self._figures, strict=True):
            variable.assign(variable.numpy() + value)
