"""HDF5 files of others: a file must contain all its data itself.

HDF5 can keep an array, or a part of its tree, in any other file of the
machine. So a file of weights from a stranger could read any file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import h5py

_ADVICE = (
    "Get the file from its publisher again, or write its arrays into a new one."
)
# DEFLATE compresses at most 1032 bytes into one.
_LARGE, _DEFLATES_TO = 1 << 26, 1032


class UnsafeFileError(ValueError):
    """A file that is not damaged, but is not safe to read."""


@contextmanager
def open_hdf5(
    source: str | Path | IO[bytes], said: str | None = None
) -> Iterator[h5py.File]:
    """Opens a file that takes no data from other files, for reading.

    Args:
        source: The path, or an open file of its bytes.
        said: The file's name in errors; `None`: its path.

    Yields:
        The open file.

    Raises:
        OSError: The file does not exist, is no HDF5 file or is cut off.
        ValueError: It has an external or soft link, a virtual dataset or one
            in external storage, or a dataset whose data are missing.

    Example:
        >>> with h5py.File("one.h5", "w") as file:
        ...     file["a"] = [1.0, 2.0]
        >>> with open_hdf5("one.h5") as file:
        ...     print(file["a"][()])
        [1. 2.]
    """
    with h5py.File(source, "r") as file:
        _check_tree(file, str(source) if said is None else said)
        yield file


def check_hdf5(source: str | Path | IO[bytes], said: str) -> None:
    """Refuses a file as `open_hdf5` does, for another reader.

    Args:
        source: The path, or an open file of its bytes.
        said: The file's name in errors.

    Raises:
        OSError: As for `open_hdf5`.
        ValueError: As for `open_hdf5`.

    Example:
        >>> with h5py.File("links.h5", "w") as file:
        ...     file["a"] = h5py.ExternalLink("/etc/secret.h5", "b")
        >>> check_hdf5("links.h5", "links.h5")
        Traceback (most recent call last):
        keras_ctx.files.hdf5_file.UnsafeFileError: links.h5: an HDF5 file...
    """
    with open_hdf5(source, said):
        pass


def _check_tree(file: h5py.File, said: str) -> None:
    groups: list[h5py.Group] = [file]
    seen = {_address(file)}
    while groups:
        group = groups.pop()
        for key in group:
            name = f"{group.name.rstrip('/')}/{key}"
            _check_link(group, key, name, said)
            item = group[key]
            if isinstance(item, h5py.Dataset):
                _check_dataset(item, name, said)
            elif isinstance(item, h5py.Group):
                # A group may contain itself under a second name.
                if _address(item) not in seen:
                    seen.add(_address(item))
                    groups.append(item)


def _address(group: h5py.Group) -> int:
    return h5py.h5o.get_info(group.id).addr


def _check_link(group: h5py.Group, key: str, name: str, said: str) -> None:
    try:
        link = group.get(key, getlink=True)
    except TypeError:  # a type of link of the file's own
        raise _elsewhere(said, name, "a link of an unknown type") from None
    if isinstance(link, h5py.ExternalLink):
        raise _elsewhere(
            said, name, f"an external link to {link.path!r} in {link.filename}"
        )
    if isinstance(link, h5py.SoftLink):
        raise _elsewhere(said, name, f"a soft link to {link.path!r}")


def _check_dataset(dataset: h5py.Dataset, name: str, said: str) -> None:
    if dataset.is_virtual:
        found = sorted({source.file_name for source in _sources(dataset)})
        raise _elsewhere(
            said, name, f"a virtual dataset of {', '.join(found) or 'nothing'}"
        )
    if dataset.external:
        found = sorted({str(part[0]) for part in dataset.external})
        raise _elsewhere(
            said, name, f"a dataset in external storage, {', '.join(found)}"
        )
    if dataset.shape is None:
        return
    size = dataset.size * dataset.id.get_type().get_size()
    there = dataset.id.get_storage_size()
    # Compressed data may be small, but not smaller than DEFLATE allows.
    packed = dataset.id.get_create_plist().get_nfilters()
    if there < size and not (
        packed and (size < _LARGE or size <= _DEFLATES_TO * there)
    ):
        # HDF5 would return zeros for missing data.
        raise UnsafeFileError(
            f"{said}: an HDF5 file must contain all data of its arrays. "
            f"Received: {name}, of shape {dataset.shape}, with {there:,} of "
            f"{size:,} bytes. Get the file again."
        )


def _sources(dataset: h5py.Dataset) -> list:
    return dataset.virtual_sources() or []


def _elsewhere(said: str, name: str, found: str) -> ValueError:
    return UnsafeFileError(
        f"{said}: an HDF5 file must contain all its arrays itself, or it could "
        f"read any file of this machine. Received: {name}, {found}. {_ADVICE}"
    )
