"""An open weights file: shapes are known, numbers are read on demand."""

import glob
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors import SafetensorError

from keras_ctx.files.hdf5_file import UnsafeFileError

# Errors that the readers raise for a damaged file.
_DAMAGE = (
    OSError,
    LookupError,
    ValueError,
    RuntimeError,
    SafetensorError,
    zipfile.BadZipFile,
    tf.errors.OpError,
)


_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class WeightsFile:
    """An open weights file of any format, with arrays by name."""

    said: str
    """The argument and its path, for error messages."""
    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]
    is_checkpoint: bool = False
    """Whether the file is a TensorFlow checkpoint."""

    def is_slot(self, name: str) -> bool:
        """Returns whether a name is that of an optimizer slot (as of Adagrad).

        The name of a slot begins with the name of its variable and a slash.
        """
        parents = name.split("/")[:-1]
        return any(
            "/".join(parents[:end]) in self.shapes
            for end in range(len(parents) + 1)
        )


def open_checkpoint(prefix: str, argument: str) -> WeightsFile:
    """Opens a TensorFlow checkpoint of version 1 or 2 by its prefix."""
    said = f"{argument}={prefix!r}"
    with whole(said):
        reader = tf.train.load_checkpoint(prefix)
        shapes = {
            name: tuple(shape)
            for name, shape in reader.get_variable_to_shape_map().items()
        }
        types = reader.get_variable_to_dtype_map()
    wanted = sum(
        prod(shape) * types[name].size
        for name, shape in shapes.items()
        if types[name] != tf.string
    )
    _check_bytes(Path(prefix), wanted, said)
    return WeightsFile(said, shapes, reader.get_tensor, is_checkpoint=True)


def _check_bytes(prefix: Path, wanted: int, said: str) -> None:
    """Refuses an index that lists more numbers than the data files hold."""
    pattern = f"{glob.escape(prefix.name)}.data-*"
    there = sum(path.stat().st_size for path in prefix.parent.glob(pattern))
    if wanted > there:
        raise ValueError(
            "A weights file must be whole, and this one is cut off or "
            "damaged. Get it again and compare its size. "
            f"Received: {said}: arrays of {wanted:,} bytes in "
            f"{prefix.name}.index, but {there:,} bytes in "
            f"{prefix.name}.data-*"
        )


def newest_checkpoint(folder: Path, argument: str) -> str:
    """Returns the prefix of the only or the latest checkpoint of a folder."""
    found = sorted(p.with_suffix("") for p in folder.glob("*.index"))
    state = folder / "checkpoint"
    if state.is_file():
        # The path is of the training machine, so only the file name counts.
        text = state.read_text(encoding="utf-8", errors="replace")
        named = re.search(r'^model_checkpoint_path: "(.*)"', text, re.MULTILINE)
        if named and folder / Path(named[1]).name in found:
            return str(folder / Path(named[1]).name)
    if len(found) == 1:
        return str(found[0])
    raise ValueError(
        f"`{argument}`, if a folder, must hold one checkpoint, or a file "
        "`checkpoint` that names one of them. Received: "
        f"{argument}={str(folder)!r} with the checkpoints "
        f"{[prefix.name for prefix in found]}. Pass the prefix of one."
    )


def check_pointer(path: Path) -> None:
    """Refuses a Git LFS pointer instead of the large file itself.

    Raises:
        ValueError: If the file is a pointer of Git LFS.
    """
    with path.open("rb") as file:
        start = file.read(len(_POINTER))
    if start == _POINTER:
        raise ValueError(
            f"{path}: the file must hold the weights. Received: a pointer of "
            "Git LFS. Get the weights by `git lfs install` and `git lfs pull` "
            "in the folder."
        )


@contextmanager
def whole(said: str) -> Iterator[None]:
    """Turns an error of a reader into a message about the damaged file."""
    try:
        yield
    except UnsafeFileError:
        raise
    except _DAMAGE as error:
        raise ValueError(
            "A weights file must be whole, and this one is cut off or "
            "damaged. Get it again and compare its size. "
            f"Received: {said}: {error}"
        ) from error


def problem_of(array: np.ndarray) -> str | None:
    """Describes why an array cannot be weights; `None` if it can."""
    if array.dtype.kind != "f":
        return f"{array.dtype}, which is not a floating point type"
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype("float32", copy=False))
    if finite.all():
        return None
    return f"{finite.size - finite.sum()} of {finite.size} are NaN or infinite"
