"""Reads arrays from HDF5 files and checkpoints, and writes them to HDF5."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import h5py
import numpy as np

from keras_ctx.convert.files.keras_weights import hdf5_shapes
from keras_ctx.convert.files.weights_file import (
    WeightsFile,
    check_pointer,
    newest_checkpoint,
    open_checkpoint,
    problem_of,
    whole,
)
from keras_ctx.files.hdf5_file import open_hdf5
from keras_ctx.files.new_hdf5_file import new_hdf5


@contextmanager
def open_weights(
    path: str | Path, argument: str = "weights_file"
) -> Iterator[WeightsFile]:
    """Opens an HDF5 file, or a checkpoint by its prefix or folder.

    Error messages use `argument`, the caller's name of the path.
    """
    path = Path(path)
    if path.is_file() and h5py.is_hdf5(path):
        said = f"{argument}={str(path)!r}"
        with ExitStack() as stack:
            with whole(said):
                file = stack.enter_context(open_hdf5(path, said))
                shapes = hdf5_shapes(file)
            yield WeightsFile(said, shapes, lambda n: np.asarray(file[n]))
        return
    yield open_checkpoint(_checkpoint_prefix(path, argument), argument)


def _checkpoint_prefix(path: Path, argument: str) -> str:
    if path.is_dir():
        return newest_checkpoint(path, argument)
    # Users also pass one of the checkpoint's files.
    prefix = re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(path))
    if Path(f"{prefix}.index").is_file():
        return prefix
    if path.is_file():
        check_pointer(path)
        raise ValueError(
            f"`{argument}` must be an HDF5 file or the prefix of a "
            f"checkpoint. Received: {argument}={str(path)!r}, which is "
            "neither, or is damaged at its beginning. Get the file again."
        )
    raise FileNotFoundError(
        f"`{argument}` must name an HDF5 file, the prefix of a checkpoint "
        f"(there is no {f'{prefix}.index'!r}) or its folder. Check the "
        f"spelling and the working directory. "
        f"Received: {argument}={str(path)!r}"
    )


def write_hdf5(path: Path, arrays: Iterator[tuple[str, np.ndarray]]) -> None:
    """Writes float32 datasets, one in memory at a time."""
    bad = []
    with new_hdf5(path) as (file, check):
        for name, array in arrays:
            problem = problem_of(array)
            if problem:
                bad.append(f"  {name}: {problem}")
            file.create_dataset(name, data=array, dtype="float32")
            check()
    if bad:
        raise ValueError(
            "`encoder` must hold finite numbers. Received:\n"
            + "\n".join(bad)
            + "\nThe training diverged: use an earlier checkpoint."
        )
