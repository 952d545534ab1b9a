"""Loads a `.weights.h5` file into a Keras model, completely or not at all."""

import tempfile
import warnings
from math import prod
from pathlib import Path

import h5py
import keras
import numpy as np

from keras_ctx.convert.files.weight_table import Weight, differences
from keras_ctx.convert.files.weights_file import WeightsFile, whole
from keras_ctx.files.hdf5_file import open_hdf5

Shapes = dict[str, tuple[int, ...]]
WEIGHTS, TASK_WEIGHTS = ".weights.h5", "task.weights.h5"
# Models up to this size are always built, so that all differences are listed.
_SMALL = 500_000


def weights_of_preset(folder: Path) -> Path:
    """Returns the weights of the backbone in a preset of KerasHub."""
    found = sorted(
        file for file in folder.glob(f"*{WEIGHTS}") if file.name != TASK_WEIGHTS
    )
    if len(found) != 1:
        raise ValueError(
            f"`folder` must hold one weights file, *{WEIGHTS}, next to "
            f"config.json. Received: folder={str(folder)!r} with "
            f"{[file.name for file in found]}. Pass the path of one."
        )
    return found[0]


def check_size(wanted: int, weights: Path, said: str) -> None:
    """Refuses a configuration of far more numbers than a file has.

    Args:
        wanted: How many numbers it requires.
        weights: The file.
        said: The argument and its value, for the message.
    """
    there = num_weights(weights, f"{said}, {weights.name}")
    if wanted > max(4 * there, _SMALL):
        raise ValueError(
            "The weights do not fit the configuration. Received: "
            f"{said}: the configuration requires {wanted:,} numbers, but "
            f"{weights.name} has {there:,}. Use the config.json that belongs "
            "to these weights."
        )


def load_weights(model: keras.Model, path: Path, said: str) -> None:
    """Loads a file that fits, or raises an error with every difference.

    Keras ignores extra weights of a file, and reports only the first missing
    one.
    """
    shapes = _shapes_in(path, said)
    failure = "the number of weights differs"
    if _total(shapes) == model.count_params():
        try:
            with warnings.catch_warnings():
                # Keras warns of a layer that keeps its initial weights.
                warnings.simplefilter("error", UserWarning)
                model.load_weights(path)
            return
        except (ValueError, UserWarning) as error:
            failure = str(error).partition("\n")[0]
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "own.weights.h5"
        model.save_weights(own)
        expected = [
            Weight((name,), shape, ())
            for name, shape in _shapes_in(own, said).items()
        ]
    file = WeightsFile(said, shapes, lambda name: np.zeros(shapes[name]))
    lines = [
        "The weights do not fit the configuration. Received: "
        f"{said}: {failure}",
        *differences(expected, file, "the configuration requires"),
        "Use the config.json that belongs to these weights.",
    ]
    raise ValueError("\n".join(lines))


def num_weights(path: Path, said: str) -> int:
    """Counts the numbers of a weights file, without those of optimizers."""
    return _total(_shapes_in(path, said))


def hdf5_shapes(file: h5py.File) -> Shapes:
    """Returns the shape of every dataset."""
    shapes: Shapes = {}

    def keep(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            shapes[name] = item.shape or ()  # `None` if it is empty.

    file.visititems(keep)
    return shapes


def _shapes_in(path: Path, said: str) -> Shapes:
    with whole(said), open_hdf5(path) as file:
        return {
            name: shape
            for name, shape in hdf5_shapes(file).items()
            # Skips optimizers, and random seeds, which are integers.
            if not name.startswith("optimizer/")
            and file[name].dtype.kind != "i"
        }


def _total(shapes: Shapes) -> int:
    return sum(prod(shape) for shape in shapes.values())
