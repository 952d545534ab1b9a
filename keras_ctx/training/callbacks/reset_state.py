"""Now and then a fresh start for a model that carries its state."""

import keras
from keras import ops

from keras_ctx.checks import check_at_least


class ResetState(keras.callbacks.Callback):
    """Forgets a layer's carried state before every so many-th step.

    A model that always goes on from an old state may come to need one: some
    cells settle at one value for good, which a state of zeros does not have.
    Stateless use, ours by default, starts from zeros. A resumed run resets
    where it would have without the interruption.

    Args:
        layer: With `reset_state()`, such as a stateful `BiLM`.
        steps: From one reset to the next; an epoch begins with one.

    Raises:
        ValueError: `steps` is not positive.

    Example:
        >>> from keras_ctx.layers import BiLM
        >>> callback = ResetState(BiLM(4, 2, stateful=True), steps=50)

    Differs:
        allenai/bilm-tf never resets, and is used with carried state, too.
    """

    def __init__(self, layer: keras.layers.Layer, steps: int):
        super().__init__()
        check_at_least(1, steps=steps)
        self.layer = layer
        self.steps = steps

    def on_train_begin(self, logs=None):
        self.done: int | None = None

    def on_train_batch_begin(self, batch, logs=None):
        if self.done is None:  # not sooner: what resumes the run has by now
            self.done = self._seen()
        if self.done % self.steps == 0:
            self.layer.reset_state()
        self.done += 1

    def on_epoch_end(self, epoch, logs=None):
        self.done = 0

    def _seen(self) -> int:
        """Steps of the epoch before it was interrupted."""
        # A variable that a strategy mirrors is no number until it is an array.
        steps = self.params["steps"]
        seen = int(ops.convert_to_numpy(self.model.optimizer.iterations))
        return seen % steps if steps else 0
