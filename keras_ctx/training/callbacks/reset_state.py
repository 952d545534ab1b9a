"""Resets the state of a stateful layer at intervals."""

import keras
from keras import ops

from keras_ctx.checks import check_at_least


class ResetState(keras.callbacks.Callback):
    """Resets the carried state of a layer every `steps` steps.

    A model that always continues from an old state may come to depend on it:
    some cells settle at one value for good, which a state of zeros does not
    have. Our encoders are stateless by default, and start from zeros. A
    resumed run resets at the same steps as an uninterrupted one.

    Args:
        layer: A layer with `reset_state()`, such as a stateful `BiLM`.
        steps: Steps between two resets; each epoch begins with a reset.

    Raises:
        ValueError: `steps` is not positive.

    Example:
        >>> from keras_ctx.layers import BiLM
        >>> callback = ResetState(BiLM(4, 2, stateful=True), steps=50)

    Differs:
        allenai/bilm-tf never resets, and also carries state in inference.
    """

    def __init__(self, layer: keras.layers.Layer, steps: int):
        super().__init__()
        check_at_least(1, steps=steps)
        self.layer = layer
        self.steps = steps

    def on_train_begin(self, logs=None):
        self.done: int | None = None

    def on_train_batch_begin(self, batch, logs=None):
        if self.done is None:  # not sooner: the checkpoint is loaded by now
            self.done = self._seen()
        if self.done % self.steps == 0:
            self.layer.reset_state()
        self.done += 1

    def on_epoch_end(self, epoch, logs=None):
        self.done = 0

    def _seen(self) -> int:
        """Returns the steps of the epoch before it was interrupted."""
        # A mirrored variable must be converted to an array first.
        steps = self.params["steps"]
        seen = int(ops.convert_to_numpy(self.model.optimizer.iterations))
        return seen % steps if steps else 0
