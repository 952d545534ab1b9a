"""What a run writes, and what stays where writing fails."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ctx import models
from keras_ctx.training import completed_epochs, run_callbacks, save_json
from keras_ctx.training import save_model as save


def model() -> keras.Model:
    x = keras.Input((3,))
    y = keras.layers.Dense(1)(keras.layers.Dropout(0.5)(x))
    model = keras.Model(x, y)
    model.compile("adam", "mse", jit_compile=False)
    return model


X = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")


class Interrupt(keras.callbacks.Callback):
    def __init__(self, log: keras.callbacks.CSVLogger) -> None:
        super().__init__()
        self.log = log

    def on_epoch_begin(self, epoch, logs=None) -> None:
        if epoch == 2:
            self.log.csv_file.close()  # as the end of a process does
            raise KeyboardInterrupt


def fit(folder: Path, interrupted: bool = False) -> list[np.ndarray]:
    keras.utils.set_random_seed(1)
    fitted = model()
    callbacks = run_callbacks(folder)
    if interrupted:
        logs = [
            c for c in callbacks if isinstance(c, keras.callbacks.CSVLogger)
        ]
        callbacks.append(Interrupt(*logs))
    fitted.fit(
        X,
        X[:, :1],
        batch_size=4,
        epochs=4,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    return fitted.get_weights()


def test_resumed_run_draws_the_dropout_that_would_have_come(
    tmp_path: Path,
) -> None:
    whole = fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "cut", interrupted=True)
    assert completed_epochs(tmp_path / "cut" / "backup") == 2
    resumed = fit(tmp_path / "cut")
    for first, second in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(first, second)
    for folder in ("whole", "cut"):
        assert not (tmp_path / folder / "backup").exists()
        lines = (tmp_path / folder / "epochs.csv").read_text().splitlines()
        assert len(lines) == 1 + 4  # a header, and each epoch once


def test_run_stops_at_nan(tmp_path: Path) -> None:
    broken = model()
    broken.fit(
        np.full_like(X, np.nan),
        X[:, :1],
        epochs=3,
        verbose=0,
        callbacks=run_callbacks(tmp_path),
    )
    assert broken.stop_training
    assert len(broken.history.history["loss"]) == 1


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    path = save_json({"path": tmp_path, "名": 0.5}, tmp_path / "a" / "b.json")
    assert json.loads(path.read_text("utf-8")) == {
        "path": str(tmp_path),
        "名": 0.5,
    }
    with pytest.raises(ValueError):  # a circle cannot be written
        content: dict = {}
        content["self"] = content
        save_json(content, path)
    assert json.loads(path.read_text("utf-8"))["名"] == 0.5
    saved = save(models.bert_tiny(9), tmp_path / "m" / "model.keras")
    assert [p.name for p in saved.parent.iterdir()] == ["model.keras"]
    again = keras.saving.load_model(saved)
    assert again.count_params() == models.bert_tiny(9).count_params()


def test_refused_paths(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`path` must end in `.keras`"):
        save(model(), tmp_path / "model.h5")
    (tmp_path / "file").write_text("in the way")
    # Not even root can make a folder where there is a file.
    with pytest.raises(OSError):
        save(model(), tmp_path / "file" / "model.keras")
    with pytest.raises(OSError):
        run_callbacks(tmp_path / "file" / "run")
