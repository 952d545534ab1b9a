"""The folder of a run: what it writes and where it resumes."""

import json
import time
from pathlib import Path
from typing import Any

import keras

from keras_ctx.files import whole_file, write_text
from keras_ctx.settings import differences
from keras_ctx.training.backup import BackupAndRestore
from keras_ctx.training.workers import is_chief


def run_callbacks(
    folder: str | Path, batches_per_write: int = 20
) -> list[keras.callbacks.Callback]:
    """Callbacks of every run: resume, TensorBoard, a log, a stop at NaN.

    Args:
        folder: Of the run. `backup/` in it holds the state after the last
            whole epoch until the run ends, `tensorboard/` the curves,
            `epochs.csv` the figures of each epoch and the seconds up to it.
        batches_per_write: Steps from one point of a curve to the next.

    Returns:
        A list for `model.fit(callbacks=...)`. Of several workers the first
        one writes; the others only resume, and stop at NaN.

    Example:
        >>> import tempfile
        >>> len(run_callbacks(tempfile.mkdtemp()))
        5
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    backup = BackupAndRestore(folder / "backup")
    if not is_chief():
        return [backup, keras.callbacks.TerminateOnNaN()]
    return [
        _Seconds(),
        backup,
        keras.callbacks.TensorBoard(
            str(folder / "tensorboard"), update_freq=batches_per_write
        ),
        keras.callbacks.CSVLogger(str(folder / "epochs.csv"), append=True),
        keras.callbacks.TerminateOnNaN(),
    ]


def begin_run(folder: str | Path, settings: dict[str, Any]) -> None:
    """Write down what a run depends on, or compare it with what is there.

    Args:
        folder: Of the run; `settings.json` in it is written when it begins.
        settings: As JSON.

    Raises:
        ValueError: The folder is of a run with other settings, which would
            be gone on with by mistake.

    Example:
        >>> begin_run("runs/begun", {"rate": 0.1})
        >>> begin_run("runs/begun", {"rate": 0.1})
        >>> begin_run("runs/begun", {"rate": 0.2})
        Traceback (most recent call last):
        ValueError: `folder` holds a run of other settings: ...
    """
    path = Path(folder) / "settings.json"
    if not path.exists():
        save_json(settings, path)
        return
    # As they were written: paths are strings, tuples are lists.
    settings = json.loads(json.dumps(settings, default=str))
    differing = differences(json.loads(path.read_text("utf-8")), settings)
    if differing:
        raise ValueError(
            f"`folder` holds a run of other settings: {path}. Give another "
            "folder, or remove that one. Received: " + "; ".join(differing)
        )


class _Seconds(keras.callbacks.Callback):
    """Puts the time since `fit` began among the figures of an epoch."""

    def on_train_begin(self, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["seconds"] = round(time.monotonic() - self.start, 1)


def save_model(model: keras.Model, path: str | Path) -> Path:
    """Write a `.keras` file under a temporary name, then rename it.

    Args:
        model: Any Keras model.
        path: Ends in `.keras`; its folder is made.

    Returns:
        The path.

    Raises:
        ValueError: the path does not end in `.keras`.
        OSError: the folder cannot be written.

    Example:
        >>> import tempfile
        >>> from keras_ctx.models import bert_tiny
        >>> path = Path(tempfile.mkdtemp()) / "encoder.keras"
        >>> save_model(bert_tiny(100), path).name
        'encoder.keras'
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"`path` must end in `.keras`. Received: {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        model.save(temporary)
    return path


def save_json(content: dict, path: str | Path) -> Path:
    """Write JSON under a temporary name, then rename it; paths as text.

    Example:
        >>> import tempfile
        >>> save_json({"f1": 0.5}, Path(tempfile.mkdtemp()) / "a.json").name
        'a.json'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=2, default=str)
    write_text(path, text + "\n")
    return path
