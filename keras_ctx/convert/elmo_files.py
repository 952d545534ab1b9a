"""Arrays by name out of HDF5 files and checkpoints, and into HDF5."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

from keras_ctx.convert.elmo_names import Weight

# What h5py and TensorFlow raise when they meet a damaged file.
_DAMAGE = (OSError, LookupError, ValueError, RuntimeError, tf.errors.OpError)


@dataclass(frozen=True)
class WeightsFile:
    """An open file: shapes at once, numbers on demand."""

    said: str
    """Argument and path, for errors."""
    is_checkpoint: bool
    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]

    def name_of(self, weight: Weight) -> str | None:
        """The name under which the file has a weight; `None` if it has not."""
        names = weight.checkpoint if self.is_checkpoint else weight.datasets
        return next((name for name in names if name in self.shapes), None)

    def official_name(self, weight: Weight) -> str:
        names = weight.checkpoint if self.is_checkpoint else weight.datasets
        return names[0]


@contextmanager
def open_weights(
    path: str | Path, argument: str = "weights_file"
) -> Iterator[WeightsFile]:
    """Open HDF5, or a checkpoint by its prefix or folder.

    Errors call the path by the name of the caller's `argument`.
    """
    path = Path(path)
    if path.is_file() and h5py.is_hdf5(path):
        said = f"{argument}={str(path)!r}"
        with whole(said):
            file = h5py.File(path)
        with file:
            with whole(said):
                shapes = _dataset_shapes(file)
            yield WeightsFile(
                said, False, shapes, lambda name: np.asarray(file[name])
            )
        return
    prefix = _checkpoint_prefix(path, argument)
    said = f"{argument}={prefix!r}"
    with whole(said):
        reader = tf.train.load_checkpoint(prefix)
        shapes = {
            name: tuple(shape)
            for name, shape in reader.get_variable_to_shape_map().items()
        }
    yield WeightsFile(said, True, shapes, reader.get_tensor)


def _dataset_shapes(file: h5py.File) -> dict[str, tuple[int, ...]]:
    shapes = {}

    def keep(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            shapes[name] = item.shape or ()  # `None` of an empty dataspace

    file.visititems(keep)
    return shapes


def _checkpoint_prefix(path: Path, argument: str) -> str:
    if path.is_dir():
        return _newest_prefix(path, argument)
    # People also point at one of a checkpoint's files.
    prefix = re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(path))
    if Path(f"{prefix}.index").is_file():
        return prefix
    if path.is_file():
        raise ValueError(
            f"`{argument}` must be an HDF5 file or the prefix of a "
            f"checkpoint. Received: {argument}={str(path)!r}, which is "
            "neither, or has lost its beginning. Get the file again."
        )
    raise FileNotFoundError(
        f"`{argument}` must name an HDF5 file, the prefix of a checkpoint "
        f"(there is no {f'{prefix}.index'!r}) or its folder. Check the "
        f"spelling and the working directory. "
        f"Received: {argument}={str(path)!r}"
    )


def _newest_prefix(folder: Path, argument: str) -> str:
    found = sorted(p.with_suffix("") for p in folder.glob("*.index"))
    state = folder / "checkpoint"
    if state.is_file():
        # Its path is that of the machine of the training; the name counts.
        text = state.read_text(encoding="utf-8", errors="replace")
        named = re.search(r'^model_checkpoint_path: "(.*)"', text, re.MULTILINE)
        if named and folder / Path(named[1]).name in found:
            return str(folder / Path(named[1]).name)
    if len(found) == 1:
        return str(found[0])
    raise ValueError(
        f"`{argument}`, if a folder, must hold one checkpoint, or a file "
        "`checkpoint` that names one that is there. Received: "
        f"{argument}={str(folder)!r} with the checkpoints "
        f"{[prefix.name for prefix in found]}. Pass the prefix of one."
    )


@contextmanager
def whole(said: str) -> Iterator[None]:
    """Say what an error of a reader means."""
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(
            "A file of weights must be whole, and this one is cut off or "
            "damaged. Get it again and compare its size. "
            f"Received: {said}: {error}"
        ) from error


def problem_of(array: np.ndarray) -> str | None:
    """What keeps an array from being weights, in words."""
    if array.dtype.kind != "f":
        return f"{array.dtype}, which is no type of real numbers"
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype("float32", copy=False))
    if finite.all():
        return None
    return f"{finite.size - finite.sum()} of {finite.size} are NaN or infinite"


def write_hdf5(path: Path, arrays: Iterator[tuple[str, np.ndarray]]) -> None:
    """Write float32 datasets, one in memory at a time."""
    bad = []
    with h5py.File(path, "w") as file:
        for name, array in arrays:
            problem = problem_of(array)
            if problem:
                bad.append(f"  {name}: {problem}")
            file.create_dataset(name, data=array, dtype="float32")
    if bad:
        raise ValueError(
            "`encoder` must hold finite numbers. Received:\n"
            + "\n".join(bad)
            + "\nThe training diverged: take an earlier checkpoint."
        )
