"""Checkpoints of a run, written whole or not at all.

Keras saves weights as HDF5, which kills the process by a signal when the disk
is full. Checkpoints are safetensors files, written without a second copy in
memory.
"""

import contextlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from safetensors import SafetensorError, safe_open

from keras_ctx.files.json_text import load_json
from keras_ctx.files.tensor_file import write_tensors
from keras_ctx.files.whole_file import whole_file
from keras_ctx.training.distribution.consensus import chiefs_number


@dataclass(frozen=True)
class Position:
    """The progress of a run: `step` steps in all.

    `epoch_step` of them are in the unfinished epoch `epoch`.
    """

    step: int = 0
    epoch: int = 0
    epoch_step: int = 0


def checkpoints(folder: str | Path) -> list[Path]:
    """Returns the checkpoints of a run, newest last."""
    return sorted((Path(folder) / "checkpoints").glob("step_*.safetensors"))


def completed_steps(folder: str | Path) -> int:
    """Returns the steps in the newest checkpoint of a run, or 0.

    A dataset that starts at this step gives a resumed run the same batches as
    an uninterrupted one.

    Args:
        folder: Folder of the run.

    Example:
        >>> completed_steps("a folder that is not there")
        0
    """
    return newest_position(folder).step


def newest_position(folder: str | Path) -> Position:
    found = checkpoints(folder)
    if not found:
        return Position()
    with _open(found[-1]) as file:
        try:
            return Position(**load_json(file.metadata()["position"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{found[-1]} must be a checkpoint of a run, with its "
                "`position`. Remove it to resume from the previous one. "
                f"Received: {error!r}"
            ) from error


def remove_checkpoints(folder: str | Path) -> None:
    """Removes the checkpoints of a run that has ended and is saved.

    Args:
        folder: Folder of the run.

    Example:
        >>> remove_checkpoints("a folder that is not there")
    """
    shutil.rmtree(Path(folder) / "checkpoints", ignore_errors=True)


def average_checkpoints(
    model: keras.Model, folder: str | Path, number: int
) -> None:
    """Sets the weights of a model to the mean of the newest checkpoints.

    Only trainable weights are averaged; all others do not change.

    Args:
        model: The compiled model of the checkpoints.
        folder: Folder of the run.
        number: Number of checkpoints to average; `BackupAndRestore` must have
            kept them.

    Raises:
        ValueError: There are fewer checkpoints.

    Example:
        >>> average_checkpoints(keras.Model(), "runs/none", number=5)
        Traceback (most recent call last):
        ValueError: `number` must be at most that of the checkpoints ...

    Source:
        Vaswani et al. 2017, section 6.1, https://arxiv.org/abs/1706.03762.
    """
    found = checkpoints(folder)
    if not 1 <= number <= len(found):
        raise ValueError(
            "`number` must be at most that of the checkpoints that are kept "
            f"in {folder}, {len(found)}, and at least 1. "
            f"Received: number={number}"
        )
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(_open(path)) for path in found[-number:]]
        for index, variable in enumerate(model.weights):
            if variable.trainable:
                parts = [file.get_tensor(f"weights.{index}") for file in files]
                variable.assign(np.mean(parts, axis=0, dtype="float64"))
    # All workers must have read the files before the first one removes them.
    chiefs_number(0.0, getattr(model, "distribute_strategy", None))


def save_checkpoint(
    model: keras.Model,
    folder: str | Path,
    position: Position,
    figures: Sequence[np.ndarray],
    keep: int,
) -> Path:
    """Saves weights, optimizer, seeds and metrics; keeps the newest files.

    Args:
        model: A compiled and built model.
        folder: Folder of the run.
        position: Progress of the run.
        figures: Values of the metrics of the epoch so far.
        keep: Number of checkpoints to keep.

    Raises:
        OSError: The checkpoint cannot be written; earlier ones are intact.
    """
    name = f"step_{position.step:09d}.safetensors"
    path = Path(folder) / "checkpoints" / name
    arrays = {key: _storable(x.numpy()) for key, x in _state(model).items()}
    for index, figure in enumerate(figures):
        arrays[f"figures.{index}"] = _storable(figure)
    metadata = {"position": json.dumps(asdict(position))}
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(".*"):  # left by a killed run
        left.unlink()
    with whole_file(path) as temporary:
        write_tensors(temporary, arrays, metadata)
    for old in checkpoints(folder)[:-keep]:
        old.unlink()
    return path


def load_checkpoint(model: keras.Model, path: Path) -> None:
    """Loads a checkpoint into a model and its optimizer.

    Raises:
        ValueError: It is of another model or optimizer.
    """
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = _state(model)
    expected = {key: tuple(x.shape) for key, x in variables.items()}
    with _open(path) as file:
        shapes = {
            key: tuple(file.get_slice(key).get_shape())
            for key in file.keys()  # noqa: SIM118, which is no dict
            if not key.startswith("figures.")
        }
        if shapes != expected:
            raise ValueError(
                "`model` and its optimizer must be those of the checkpoint "
                f"{path}, with {len(shapes)} variables. Received: "
                f"{len(expected)} variables, or other shapes. "
                "Give another folder, or the settings that the run began with"
            )
        for key, variable in variables.items():
            array = file.get_tensor(key)
            if variable.dtype == "bfloat16":
                array = array.view(variable.numpy().dtype)
            variable.assign(array)


def saved_figures(path: Path) -> list[np.ndarray]:
    """Returns the values of the metrics in a checkpoint within an epoch."""
    with _open(path) as file:
        names = [x for x in file.keys() if x.startswith("figures.")]  # noqa: SIM118
        return [file.get_tensor(f"figures.{i}") for i in range(len(names))]


def _open(path: Path):
    try:
        return safe_open(path, "np")
    except SafetensorError as error:
        raise ValueError(
            f"`folder` must hold whole checkpoints. Received: {path}, which "
            f"is damaged ({error}). Remove it to resume from the previous one"
        ) from error


def _state(model: keras.Model) -> dict[str, keras.Variable]:
    # Not `model.variables`, which may contain metrics: several workers can
    # only read these together.
    seeds = [x for x in model.variables if x.name == "seed_generator_state"]
    groups = {
        "weights": model.weights,
        "optimizer": model.optimizer.variables,
        "seeds": seeds,
    }
    return {
        f"{group}.{index}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }


def _storable(array) -> np.ndarray:
    array = np.asarray(array)
    # NumPy itself has no bfloat16.
    return array.view("uint16") if array.dtype.name == "bfloat16" else array
