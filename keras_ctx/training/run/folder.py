"""The folder of a run: what it writes and where it resumes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import whole_file, write_text
from keras_ctx.training.callbacks.backup import BackupAndRestore
from keras_ctx.training.callbacks.divergence import StopAtDivergence
from keras_ctx.training.callbacks.log import RunLog
from keras_ctx.training.callbacks.resumed_epoch import ResumedEpoch
from keras_ctx.training.distribution.workers import is_chief


def run_callbacks(
    folder: str | Path,
    batches_per_write: int = 20,
    checkpoint_steps: int | None = None,
    keep: int = 2,
    *,
    spike: float | None = None,
    records_of: Callable[[int], Sequence[str]] | None = None,
    tokens_per_step: int | None = None,
    perplexity_of: Sequence[str] = (),
    profile: bool = False,
) -> list[keras.callbacks.Callback]:
    """Callbacks of every run: figures, a stop where it diverges, checkpoints.

    Args:
        folder: Of the run. `checkpoints/` in it holds the states from which
            it goes on until `remove_checkpoints`, `metrics.jsonl` its
            figures, `tensorboard/` the curves of them.
        batches_per_write: Steps from one point of a curve to the next.
        checkpoint_steps: See `BackupAndRestore`.
        keep: See `BackupAndRestore`.
        spike: See `StopAtDivergence`.
        records_of: See `StopAtDivergence`.
        tokens_per_step: See `RunLog`.
        perplexity_of: See `RunLog`.
        profile: See `RunLog`.

    Returns:
        A list for `model.fit(callbacks=...)`. Of several workers the first
        one writes; the others only resume, and stop where it diverges. They
        stand before callbacks that stop training at the end of an epoch, such
        as `EarlyStopping`, but after `DevelopmentScore`.

    Example:
        >>> import tempfile
        >>> len(run_callbacks(tempfile.mkdtemp()))
        4
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    log = RunLog(
        folder, batches_per_write, tokens_per_step, perplexity_of, profile
    )
    return [
        ResumedEpoch(folder),
        *([log] if is_chief() else []),
        StopAtDivergence(folder, spike, records_of),
        BackupAndRestore(folder, checkpoint_steps, keep),
    ]


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

    JSON has no word for NaN, which is written as null, nor for infinities,
    which are written as the strings "Infinity" and "-Infinity".

    Example:
        >>> import tempfile
        >>> save_json({"f1": 0.5}, Path(tempfile.mkdtemp()) / "a.json").name
        'a.json'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json_text(content, indent=2) + "\n")
    return path
