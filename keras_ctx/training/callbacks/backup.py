"""Resumes an interrupted run, with the same results."""

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np

from keras_ctx.callback_order import SAVE, PlacedCallback
from keras_ctx.checks import check_at_least
from keras_ctx.training.distribution.consensus import any_worker
from keras_ctx.training.distribution.workers import is_chief
from keras_ctx.training.keras_hooks import start_at_epoch
from keras_ctx.training.run.checkpoints import (
    Position,
    checkpoints,
    load_checkpoint,
    newest_position,
    save_checkpoint,
)

# Steps between two exchanges with the other workers.
_ASK_EVERY = 10


class BackupAndRestore(PlacedCallback):
    """Saves the whole state of training, from which a killed run resumes.

    It does what Keras's callback of that name does, and more:

    - A checkpoint contains the states of all random number generators, so
      that dropout continues its sequence.
    - A checkpoint is written whole or not at all: after a kill or on a full
      disk the previous one is intact.
    - A checkpoint within an epoch contains the metrics of the epoch so far.
      `run_callbacks` gives them to the resumed epoch, which only runs the
      remaining steps.

    So a killed run ends, on one device, bit for bit as an uninterrupted one,
    if its dataset starts at `completed_steps(folder)`.

    SIGTERM, which clusters send some seconds before they kill, saves at the
    end of the step and ends the process with exit status 143; Ctrl-C (SIGINT)
    does the same with exit status 130. A second signal ends the process at
    once. A process that ignores SIGINT, such as one in the background, still
    ignores it. Any of several workers may get the signal: all save together
    and end. The first worker writes and all read, so all need access to the
    folder.

    Args:
        folder: Folder of the run; the checkpoints are in its `checkpoints/`
            until `remove_checkpoints`.
        every_steps: Steps between two checkpoints within an epoch; `None`:
            only the end of an epoch is saved.
        keep: Number of checkpoints to keep.

    Raises:
        ValueError: `every_steps` or `keep` is not positive; in training,
            weights are not finite, and are not saved.
        OSError: A checkpoint cannot be written.

    Example:
        >>> import tempfile
        >>> BackupAndRestore(tempfile.mkdtemp()).keep
        2
    """

    place = SAVE

    def __init__(
        self,
        folder: str | Path,
        every_steps: int | None = None,
        keep: int = 2,
    ):
        super().__init__()
        check_at_least(1, keep=keep)
        if every_steps is not None:
            check_at_least(1, every_steps=every_steps)
        self.folder = Path(folder)
        self.every_steps = every_steps
        self.keep = keep

    def on_train_begin(self, logs=None):
        self._received: signal.Signals | None = None
        self._listen()
        self._position = newest_position(self.folder)
        found = checkpoints(self.folder)
        if not found:
            return
        load_checkpoint(self.model, found[-1])
        start_at_epoch(self.model, self._position.epoch)

    def on_epoch_begin(self, epoch, logs=None):
        if self._position.epoch != epoch:  # `fit` has an `initial_epoch`
            self._position = Position(self._position.step, epoch)
        self._first = self._position

    def on_train_batch_end(self, batch, logs=None):
        first, done = self._first, batch + 1
        self._position = Position(
            first.step + done, first.epoch, first.epoch_step + done
        )
        now, steps = self._position.epoch_step, self.params["steps"]
        if steps is not None and now >= steps:
            return  # the end of the epoch saves
        ends = self._is_terminated(now)
        if ends or (self.every_steps and now % self.every_steps == 0):
            self._save(self.model.metrics_variables)
        if ends:
            self._end()

    def on_epoch_end(self, epoch, logs=None):
        self._position = Position(self._position.step, epoch + 1)
        self._save([])
        if self._is_terminated(0):
            self._end()

    def on_train_end(self, logs=None):
        self._listen_no_more()

    def _save(self, figures) -> None:
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        # On all workers: reading a metric sums it over the workers.
        values = [variable.numpy() for variable in figures]
        if not is_chief():
            return
        self._check_weights()
        try:
            save_checkpoint(
                self.model, self.folder, self._position, values, self.keep
            )
        except OSError as error:
            raise OSError(
                f"The checkpoint of step {self._position.step} could not be "
                f"written: {error}. The last whole one is "
                f"{self._last_checkpoint()}; free some disk space and start "
                "the same command again."
            ) from error

    def _check_weights(self) -> None:
        for variable in self.model.trainable_variables:
            if not np.isfinite(np.sum(variable.numpy(), dtype="float64")):
                raise ValueError(
                    "`model` must have finite weights to be saved. Received: "
                    f"{variable.path} with nan or inf after step "
                    f"{self._position.step}; the last checkpoint is "
                    f"{self._last_checkpoint()}"
                )

    def _last_checkpoint(self) -> str:
        found = checkpoints(self.folder)
        return str(found[-1]) if found else "not there"

    def _listen(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        if threading.current_thread() is not threading.main_thread():
            return  # Python handles signals in the main thread only
        for number in (signal.SIGTERM, signal.SIGINT):
            if (
                number == signal.SIGINT
                and signal.getsignal(number) == signal.SIG_IGN
            ):
                continue
            self._before[number] = signal.signal(number, self._terminate)

    def _terminate(self, number, frame):
        self._listen_no_more()
        if self._is_in_fit(frame):
            self._received = signal.Signals(number)
        else:
            # An error ended `fit`, which then calls no callback.
            os.kill(os.getpid(), number)

    def _is_in_fit(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if (
                frame.f_code.co_name == "fit"
                and frame.f_locals.get("self") is self.model
            ):
                return True
            frame = frame.f_back
        return False

    def _listen_no_more(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}

    def _is_terminated(self, epoch_step: int) -> bool:
        # A model has this attribute on TensorFlow only.
        strategy = getattr(self.model, "distribute_strategy", None)
        ask = epoch_step % _ASK_EVERY == 0
        return any_worker(self._received is not None, strategy, ask)

    def _end(self) -> None:
        # Another worker may have received the signal.
        received = self._received or signal.SIGTERM
        name = "Ctrl-C" if received == signal.SIGINT else received.name
        print(
            f"\nStopped by {name} after step {self._position.step}, which is "
            f"saved in {self.folder}; the same command resumes from there."
        )
        raise SystemExit(128 + received)
