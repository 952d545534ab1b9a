"""Checkpoints of a run: files that are whole or not there.

Keras's own files of weights are HDF5, which ends the process by a signal
where a disk is full; these are safetensors, written without a second copy in
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
    """Where a run stands: after `step` steps in all.

    `epoch_step` of them are of epoch number `epoch`, which is not over.
    """

    step: int = 0
    epoch: int = 0
    epoch_step: int = 0


def checkpoints(folder: str | Path) -> list[Path]:
    """Returns the checkpoints of a run, the newest last."""
    return sorted((Path(folder) / "checkpoints").glob("step_*.safetensors"))


def completed_steps(folder: str | Path) -> int:
    """Steps in the newest checkpoint of an interrupted run, or 0.

    A dataset that starts there gives a resumed run the batches that it would
    have seen without the interruption.

    Args:
        folder: Of the run.

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
                "`position`. Remove it to go on from the one before. "
                f"Received: {error!r}"
            ) from error


def remove_checkpoints(folder: str | Path) -> None:
    """Removes the checkpoints of a run that has ended and is saved.

    Args:
        folder: Of the run.

    Example:
        >>> remove_checkpoints("a folder that is not there")
    """
    shutil.rmtree(Path(folder) / "checkpoints", ignore_errors=True)


def average_checkpoints(
    model: keras.Model, folder: str | Path, number: int
) -> None:
    """Gives a model the mean of the weights of the newest checkpoints.

    Only what is trained is averaged; all else stays as it is.

    Args:
        model: The compiled model that the checkpoints are of.
        folder: Of the run.
        number: How many; `BackupAndRestore` must have kept them.

    Raises:
        ValueError: There are not so many.

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
            "`number` must be at most that of the checkpoints that were kept "
            f"in {folder}, {len(found)}, and at least 1. "
            f"Received: number={number}"
        )
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(_open(path)) for path in found[-number:]]
        for index, variable in enumerate(model.weights):
            if variable.trainable:
                parts = [file.get_tensor(f"weights.{index}") for file in files]
                variable.assign(np.mean(parts, axis=0, dtype="float64"))
    # All workers have read before the first one removes the files.
    chiefs_number(0.0, getattr(model, "distribute_strategy", None))


def save_checkpoint(
    model: keras.Model,
    folder: str | Path,
    position: Position,
    figures: Sequence[np.ndarray],
    keep: int,
) -> Path:
    """Writes weights, optimizer, seeds and figures; keep the newest.

    Args:
        model: Compiled and built.
        folder: Of the run.
        position: Where it stands.
        figures: Of the epoch so far.
        keep: How many checkpoints stay.

    Raises:
        OSError: It cannot be written; those before it are whole.
    """
    name = f"step_{position.step:09d}.safetensors"
    path = Path(folder) / "checkpoints" / name
    arrays = {key: _storable(x.numpy()) for key, x in _state(model).items()}
    for index, figure in enumerate(figures):
        arrays[f"figures.{index}"] = _storable(figure)
    metadata = {"position": json.dumps(asdict(position))}
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(".*"):  # of a run that was killed
        left.unlink()
    with whole_file(path) as temporary:
        write_tensors(temporary, arrays, metadata)
    for old in checkpoints(folder)[:-keep]:
        old.unlink()
    return path


def load_checkpoint(model: keras.Model, path: Path) -> None:
    """Gives the model and its optimizer the state of a checkpoint.

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
                f"{path}, of {len(shapes)} variables. Received: "
                f"{len(expected)} variables, or the same with other shapes. "
                "Give another folder, or the settings that the run began with"
            )
        for key, variable in variables.items():
            array = file.get_tensor(key)
            if variable.dtype == "bfloat16":
                array = array.view(variable.numpy().dtype)
            variable.assign(array)


def saved_figures(path: Path) -> list[np.ndarray]:
    """Of the epoch up to a checkpoint."""
    with _open(path) as file:
        names = [x for x in file.keys() if x.startswith("figures.")]  # noqa: SIM118
        return [file.get_tensor(f"figures.{i}") for i in range(len(names))]


def _open(path: Path):
    try:
        return safe_open(path, "np")
    except SafetensorError as error:
        raise ValueError(
            f"`folder` must hold whole checkpoints. Received: {path}, which "
            f"is damaged ({error}). Remove it to go on from the one before"
        ) from error


def _state(model: keras.Model) -> dict[str, keras.Variable]:
    # Not `model.variables`, where metrics may be, too, which several workers
    # can only read together.
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
    # NumPy has no bfloat16 of its own.
    return array.view("uint16") if array.dtype.name == "bfloat16" else array
