"""Keeps the weights of the best epoch on development data."""

import math
import shutil
import zipfile
from collections.abc import Callable
from numbers import Integral
from pathlib import Path
from typing import Literal

import keras

from keras_ctx.callback_order import MEASURE, PlacedCallback
from keras_ctx.files.hdf5_file import check_hdf5
from keras_ctx.files.json_text import read_figures_file
from keras_ctx.files.whole_file import whole_file
from keras_ctx.training.distribution.consensus import chiefs_number
from keras_ctx.training.distribution.workers import is_chief
from keras_ctx.training.run.folder import save_json


class DevelopmentScore(PlacedCallback):
    """Scores every epoch, keeps the best weights, and stops early.

    Give it to `run_callbacks`, whose callbacks log the score as `val_<name>`
    and save the state from which a killed run resumes. Such a run ends with
    the same scores and best epoch as an uninterrupted one. Of epochs with
    equal scores the first is the best. All of several workers compute the
    score; that of the first worker counts, and only it writes. All need
    access to the folder.

    Attributes: `scores`, one for each epoch; `best_epoch`, counted from 0, and
    `best_score`, both `None` before the first epoch.

    Args:
        score: Called without arguments after an epoch; returns a number, such
            as the strict entity F1 of the model on development data.
        name: Name of the score, in logs and files.
        folder: Folder of the run. `development_<name>.json` in it contains
            the scores, `best_epoch_<n>.weights.h5` the weights, without the
            optimizer's.
        patience: Epochs without a new best score after which training stops;
            `None`: it never stops early.
        mode: "max" if a higher score is better, "min" if a lower one is.

    Raises:
        ValueError: `patience` is not positive, or `mode` is unknown; in
            training, a score is not a finite number, or `folder` lacks the
            scores of epochs before the one at which a run resumes.

    Example:
        >>> import numpy as np, tempfile
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> scores = iter([0.5, 0.7, 0.6, 0.9])
        >>> best = DevelopmentScore(
        ...     lambda: next(scores), "f1", tempfile.mkdtemp(), patience=1)
        >>> x = np.ones((2, 1))
        >>> history = model.fit(x, x, epochs=4, callbacks=[best], verbose=0)
        >>> history.history["val_f1"]
        [0.5, 0.7, 0.6]
        >>> best.best_epoch, best.best_score
        (1, 0.7)
        >>> best.restore_best()
    """

    place = MEASURE

    def __init__(
        self,
        score: Callable[[], float],
        name: str,
        folder: str | Path,
        patience: int | None = None,
        mode: Literal["max", "min"] = "max",
    ):
        super().__init__()
        if patience is not None and not (
            isinstance(patience, Integral) and patience >= 1
        ):
            raise ValueError(
                "`patience` must be at least 1 epoch, or None. "
                f"Received: patience={patience}"
            )
        if mode not in ("max", "min"):
            raise ValueError(
                f'`mode` must be "max" or "min". Received: mode={mode!r}'
            )
        self.score = score
        self.name = name
        self.folder = Path(folder)
        self.patience = patience
        self.mode = mode
        self.scores: list[float] = []

    @property
    def best_epoch(self) -> int | None:
        if not self.scores:
            return None
        sign = 1 if self.mode == "max" else -1
        # max() returns the first of equals.
        return max(
            range(len(self.scores)), key=lambda epoch: sign * self.scores[epoch]
        )

    @property
    def best_score(self) -> float | None:
        best = self.best_epoch
        return None if best is None else self.scores[best]

    def restore_best(self) -> None:
        """Loads the weights of the best epoch into the model."""
        if self.best_epoch is None:
            raise ValueError(
                "`restore_best` needs a best epoch: train first. Received: "
                "no scores"
            )
        path = self._weights(self.best_epoch)
        check_hdf5(path, str(path))
        _without_optimizer(self.model).load_weights(path)

    def on_train_begin(self, logs=None):
        path = self._history()
        self.scores = []
        if path.exists():
            self.scores = read_figures_file(path, "scores")["scores"]
        self.stopped = False

    def on_epoch_begin(self, epoch, logs=None):
        # Epochs after the checkpoint from which the run resumes are repeated.
        if len(self.scores) < epoch:
            raise ValueError(
                f"`folder` must hold the scores of all {epoch} epochs before "
                f"the one at which training resumes. Received: {self.folder} "
                f"with {len(self.scores)}. Train with DevelopmentScore from "
                "the first epoch on, or start in an empty folder"
            )
        self.scores = self.scores[:epoch]
        self._remove_all_but_the_best()
        # The run may have been killed after its last epoch, before it stopped.
        self.stopped = self._waited_long_enough()
        if self.stopped:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.stopped:
            return
        strategy = getattr(self.model, "distribute_strategy", None)
        # Scores may differ in the last digit between workers, and all must
        # stop after the same epoch.
        score = chiefs_number(float(self.score()), strategy)
        if not math.isfinite(score):
            raise ValueError(
                "`score` must return a finite number. "
                f"Received: {score} after epoch {epoch}"
            )
        self.scores.append(score)
        if is_chief():
            self._write(epoch)
        chiefs_number(score, strategy)  # waits until the first has written
        if logs is not None:
            logs[f"val_{self.name}"] = score
        if self._waited_long_enough():
            self.model.stop_training = True

    def _write(self, epoch: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.best_epoch == epoch:
            with whole_file(self._weights(epoch)) as temporary:
                _save_weights(_without_optimizer(self.model), temporary)
        save_json({"scores": self.scores}, self._history())

    def on_train_end(self, logs=None):
        self._remove_all_but_the_best()

    def _waited_long_enough(self) -> bool:
        best = self.best_epoch
        if self.patience is None or best is None:
            return False
        return len(self.scores) - 1 - best >= self.patience

    def _history(self) -> Path:
        return self.folder / f"development_{self.name}.json"

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"best_epoch_{epoch}.weights.h5"

    def _remove_all_but_the_best(self) -> None:
        # Not sooner: a killed run may resume from before the best epoch.
        if not is_chief():
            return
        best = self.best_epoch
        for path in self.folder.glob("best_epoch_*.weights.h5"):
            if best is None or path != self._weights(best):
                path.unlink()


def _save_weights(model: keras.Model, path: Path) -> None:
    """Saves weights as `save_weights` does, but raises on a full disk.

    HDF5 kills the process by a signal where it writes to the disk itself; it
    writes a Keras archive to memory first.
    """
    archive = path.with_name(f"{path.name}.keras")
    try:
        model.save(archive)
        with (
            zipfile.ZipFile(archive) as content,
            content.open("model.weights.h5") as weights,
            open(path, "wb") as file,
        ):
            shutil.copyfileobj(weights, file, 1 << 20)
    finally:
        archive.unlink(missing_ok=True)


def _without_optimizer(model: keras.Model) -> keras.Model:
    """Returns the same layers without the optimizer, to save only weights."""
    return keras.Model(model.inputs, model.outputs)
