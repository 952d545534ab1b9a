"""One file of vectors: HDF5 or NPZ, the same bytes for the same content.

Both hold `first_line` (the number of the first line, from 1), `lengths`
(tokens of each line), `tokens` (their UTF-8 bytes, separated by line ends) and
`vectors` `(tokens, L, D)`, line after line. Vectors can be written in any
order, and are never all in memory.
"""

import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from keras_ctx.files.hdf5_file import UnsafeFileError, open_hdf5
from keras_ctx.files.new_hdf5_file import new_hdf5

_SMALL = ("first_line", "lengths", "tokens")
# What the readers raise when they meet a damaged file.
_DAMAGE = (
    OSError,
    LookupError,
    ValueError,
    TypeError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
Put = Callable[[int, np.ndarray], None]
"""Takes the index of the first row, and rows `(T, L, D)`."""


class SentenceVectors(NamedTuple):
    """A line's number (from 1), its tokens and their vectors `(T, L, D)`."""

    line: int
    tokens: list[str]
    vectors: np.ndarray


@contextmanager
def write_hdf5(
    path: Path,
    shape: tuple[int, ...],
    dtype: str,
    arrays: dict[str, np.ndarray],
) -> Iterator[Put]:
    """Writes an HDF5 file, which gets its name when the block ends.

    Args:
        path: The file. Until it is complete, its name begins with a dot.
        shape: The shape of `vectors`.
        dtype: The dtype of `vectors`.
        arrays: The other arrays, by name.

    Yields:
        A function that writes vectors.
    """
    growing = path.with_name(f".{path.name}")
    with new_hdf5(growing) as (file, check):
        # No time of writing, so that equal content gives equal files.
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)
        vectors = file.create_dataset(
            "vectors", shape, dtype, track_times=False
        )

        def put(first: int, rows: np.ndarray) -> None:
            vectors[first : first + len(rows)] = rows
            check()

        yield put
    _publish(growing, path)


@contextmanager
def write_npz(
    path: Path,
    shape: tuple[int, ...],
    dtype: str,
    arrays: dict[str, np.ndarray],
) -> Iterator[Put]:
    """Like `write_hdf5`, for a file that `numpy.load` reads."""
    growing = path.with_name(f".{path.name}")
    unpacked = path.with_name(f".{path.name}.rows")
    row_bytes = int(np.prod(shape[1:])) * np.dtype(dtype).itemsize
    with open(unpacked, "wb") as file:
        header = {"descr": np.dtype(dtype).str, "fortran_order": False}
        np.lib.format.write_array_header_1_0(file, {**header, "shape": shape})
        start = file.tell()

        def put(first: int, rows: np.ndarray) -> None:
            file.seek(start + first * row_bytes)
            file.write(rows.tobytes())

        yield put
    # A `ZipInfo` always has the same date (1980).
    with zipfile.ZipFile(growing, "w") as archive:
        for name, array in arrays.items():
            with _entry(archive, name) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
        with _entry(archive, "vectors") as entry, open(unpacked, "rb") as file:
            shutil.copyfileobj(file, entry, 1 << 20)
    unpacked.unlink()
    _publish(growing, path)


def read_shard(path: Path) -> Iterator[SentenceVectors]:
    """Streams the lines of a file, with one line in memory at a time."""
    line = 0
    try:
        for sentence in _sentences(path):
            line = sentence.line
            yield sentence
    except (FileNotFoundError, UnsafeFileError):
        raise
    except _DAMAGE as error:
        raise ValueError(
            f"{path}, after line {line}: the file must be complete, and it "
            "is cut off or damaged. Download it again, or remove it and run "
            f"the program that wrote it. Received: {error!r}"
        ) from error


def _sentences(path: Path) -> Iterator[SentenceVectors]:
    read = _read_hdf5 if path.suffix == ".h5" else _read_npz
    with read(path) as (arrays, rows):
        words = arrays["tokens"].tobytes().decode("utf-8").split("\n")
        first = 0
        for line, length in enumerate(
            arrays["lengths"].tolist(), int(arrays["first_line"])
        ):
            tokens = words[first : first + length]
            vectors = rows(first, length)
            if not len(tokens) == len(vectors) == length:
                raise ValueError(
                    f"line {line} must have {length} tokens and vectors, and "
                    f"has {len(tokens)} and {len(vectors)}"
                )
            yield SentenceVectors(line, tokens, vectors)
            first += length


Content = tuple[dict[str, np.ndarray], Callable[[int, int], np.ndarray]]


@contextmanager
def _read_hdf5(path: Path) -> Iterator[Content]:
    with open_hdf5(path) as file:
        vectors = file["vectors"]
        yield (
            {name: file[name][()] for name in _SMALL},
            lambda first, length: vectors[first : first + length],
        )


@contextmanager
def _read_npz(path: Path) -> Iterator[Content]:
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for name in _SMALL:
            with archive.open(f"{name}.npy") as entry:
                arrays[name] = np.lib.format.read_array(
                    entry, allow_pickle=False
                )
        with archive.open("vectors.npy") as entry:
            np.lib.format.read_magic(entry)
            shape, _, dtype = np.lib.format.read_array_header_1_0(entry)
            row_bytes = int(np.prod(shape[1:])) * dtype.itemsize

            def rows(first: int, length: int) -> np.ndarray:
                # Lines are read in order, so no seek is needed.
                flat = np.frombuffer(entry.read(length * row_bytes), dtype)
                return flat.reshape(length, *shape[1:]).copy()

            yield arrays, rows


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    info = zipfile.ZipInfo(f"{name}.npy")
    return archive.open(info, "w", force_zip64=True)


def _publish(growing: Path, path: Path) -> None:
    """Renames a file once its content is on the disk."""
    with open(growing, "rb") as file:
        os.fsync(file.fileno())
    os.replace(growing, path)
