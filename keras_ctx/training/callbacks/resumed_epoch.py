"""The rest of an epoch in which a run was interrupted."""

from pathlib import Path

import keras

from keras_ctx.training.run.checkpoints import (
    checkpoints,
    newest_position,
    saved_figures,
)


class ResumedEpoch(keras.callbacks.Callback):
    """Gives an epoch that goes on its figures so far, and the steps left.

    Stands first of the callbacks of a run: those after it, and Keras's
    progress bar, see the epoch's means over all of its steps.

    Args:
        folder: Of the run.
    """

    def __init__(self, folder: str | Path):
        super().__init__()
        self.folder = Path(folder)

    def on_train_begin(self, logs=None):
        self._done = newest_position(self.folder).epoch_step
        found = checkpoints(self.folder)
        self._figures = saved_figures(found[-1]) if found else []

    def on_epoch_begin(self, epoch, logs=None):
        self._ends_early = False

    def on_train_batch_end(self, batch, logs=None):
        if not self._done:
            return
        if batch == 0:
            # Not sooner: Keras makes metrics in the first step.
            self._add_figures()
            if logs is not None:
                logs.update(
                    keras.tree.map_structure(
                        float, self.model.get_metrics_result()
                    )
                )
        steps = self.params["steps"]
        if steps is not None and self._done + batch + 1 >= steps:
            # Keras would go on for as many steps as a whole epoch has.
            self._ends_early = not self.model.stop_training
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self._done = 0
        if self._ends_early:
            self.model.stop_training = False

    def _add_figures(self) -> None:
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        variables = self.model.metrics_variables
        for variable, value in zip(variables, self._figures, strict=True):
            variable.assign(variable.numpy() + value)
