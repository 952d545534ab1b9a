"""Runs a tiny training with a score per epoch, which may kill itself.

    python killed_development.py FOLDER POINT

POINT is where the process kills itself in epoch 3: "score" during scoring,
"backup" before the epoch is recorded, "begin" at the start of the next epoch;
or "stopped", after an early stop but before cleaning up.
"""

import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np

from keras_ctx.training import DevelopmentScore, run_callbacks

EPOCH = 3
X = np.random.default_rng(1).normal(size=(12, 3)).astype("float32")


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Kill(keras.callbacks.Callback):
    def __init__(self, point: str | None) -> None:
        super().__init__()
        self.point = point

    def on_epoch_end(self, epoch, logs=None) -> None:
        if self.point == "backup" and epoch == EPOCH:
            kill()

    def on_epoch_begin(self, epoch, logs=None) -> None:
        if self.point == "begin" and epoch == EPOCH + 1:
            kill()

    def on_train_end(self, logs=None) -> None:
        if self.point == "stopped":
            kill()


def fit(
    folder: Path, point: str | None = None, patience: int | None = 3
) -> tuple[DevelopmentScore, keras.callbacks.History]:
    keras.utils.set_random_seed(1)
    x = keras.Input((3,))
    y = keras.layers.Dense(1)(keras.layers.Dropout(0.5)(x))
    model = keras.Model(x, y)
    model.compile("adam", "mse", jit_compile=False)

    def score() -> float:
        if point == "score" and len(development.scores) == EPOCH:
            kill()
        # Rises and falls with the weights. It is best after epoch 3, so those
        # weights are saved at the kill.
        return np.sin(550 * float(model.layers[-1].kernel[0, 0]))

    development = DevelopmentScore(score, "sine", folder, patience)
    callbacks = [development, Kill(point), *run_callbacks(folder)]
    history = model.fit(
        *(X, X[:, :1]),
        batch_size=4,
        epochs=12,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    return development, history


if __name__ == "__main__":
    fit(Path(sys.argv[1]), sys.argv[2])
