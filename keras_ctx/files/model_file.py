"""Loads models from `.keras` files, and checks these before Keras does."""

import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import keras

from keras_ctx.files.existing_file import check_file
from keras_ctx.files.hdf5_file import UnsafeFileError, check_hdf5, open_hdf5
from keras_ctx.files.model_sizes import LARGEST_CONFIG, check_sizes

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_STORED_HEADER = 30
_LARGEST_RATIO = 100  # weights can hardly be compressed


def load_model(path: str | Path, compile: bool = True) -> keras.Model:
    """Loads a `.keras` file that refers to no other file.

    Keras's safe mode stays on: no code from the file is run.

    Args:
        path: A file that `keras.Model.save` wrote.
        compile: As for `keras.saving.load_model`.

    Returns:
        The model.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is not a `.keras` file, or is damaged; a name in it
            leads out of the archive; its weights are in other files; or its
            layers need more weights than it contains.

    Example:
        >>> from keras_ctx import models
        >>> models.bert_tiny(100, max_length=40).save("encoder.keras")
        >>> load_model("encoder.keras").name
        'bert_tiny'
    """
    path = Path(path)
    check_model(path)
    return keras.saving.load_model(path, compile=compile, safe_mode=True)


def check_model(path: Path) -> None:
    """Refuses a `.keras` file as `load_model` does, without loading it."""
    with _whole_archive(path) as archive:
        for info in archive.infolist():
            _check_name(path, info.filename)
            if info.filename.endswith((".h5", ".hdf5")):
                _check_weights(path, archive, info)
        config = _config_in(path, archive)
        info = archive.getinfo(_WEIGHTS)
        with (
            _member(path, archive, info) as member,
            open_hdf5(member, f"{path}, {_WEIGHTS}") as file,
        ):
            check_sizes(config, file, str(path))


def read_config(path: Path) -> str:
    """Returns the `config.json` of a `.keras` file.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is not a `.keras` file, is damaged, or its `config.json`
            is too large.

    Example:
        >>> from keras_ctx import models
        >>> models.bert_tiny(100, max_length=40).save("encoder.keras")
        >>> "bert_tiny" in read_config(Path("encoder.keras"))
        True
    """
    with _whole_archive(path) as archive:
        return _config_in(path, archive)


@contextmanager
def _whole_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    check_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        KeyError,  # a missing member
        NotImplementedError,
        RuntimeError,
        zlib.error,
    ) as error:
        raise ValueError(
            f"{path}: the file must be a whole .keras file, as "
            "`keras.Model.save` writes it. Copy it again, or repeat the "
            "command that wrote it. Received: "
            f"{path.stat().st_size} bytes; {error}"
        ) from error


def _config_in(path: Path, archive: zipfile.ZipFile) -> str:
    with archive.open(_CONFIG) as file:
        content = file.read(LARGEST_CONFIG + 1)
    if len(content) > LARGEST_CONFIG:
        raise UnsafeFileError(
            f"{path}: {_CONFIG} must have at most {LARGEST_CONFIG:,} bytes. "
            f"Received: {archive.getinfo(_CONFIG).file_size:,}"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}, {_CONFIG}: the file must be JSON in UTF-8. Get the file "
            f"again. Received: {error}"
        ) from error


def _check_name(path: Path, name: str) -> None:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name:
        raise UnsafeFileError(
            f"{path}: the names in a .keras file must not lead out of it. "
            f"Received: {name!r}. Do not use a file from this source."
        )


def _check_weights(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> None:
    said = f"{path}, {info.filename}"
    if info.file_size > 1 << 20 and (
        info.file_size > _LARGEST_RATIO * info.compress_size
    ):
        raise UnsafeFileError(
            f"{said}: weights of a model must not be compressed to less than "
            f"a hundredth. Received: {info.file_size:,} bytes out of "
            f"{info.compress_size:,}"
        )
    with _member(path, archive, info) as file:
        check_hdf5(file, said)


@contextmanager
def _member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> Iterator[IO[bytes]]:
    """Yields a member as a file in which any position can be read."""
    if info.compress_type != zipfile.ZIP_STORED:
        with tempfile.TemporaryFile() as file:
            with archive.open(info) as packed:
                shutil.copyfileobj(packed, file, 1 << 20)
            yield file
        return
    # As Keras writes it. `zipfile` would read everything between two
    # positions; here a few bytes of a large file are read.
    with open(path, "rb") as file:
        file.seek(info.header_offset)
        header = file.read(_STORED_HEADER)
        if len(header) < _STORED_HEADER:
            raise zipfile.BadZipFile(f"{info.filename} is cut off")
        names = [int.from_bytes(header[k : k + 2], "little") for k in (26, 28)]
        start = info.header_offset + _STORED_HEADER + sum(names)
        yield io.BufferedReader(_Part(file, start, info.file_size))


class _Part(io.RawIOBase):
    """The `size` bytes of a file that begin at `start`."""

    def __init__(self, file: IO[bytes], start: int, size: int):
        self._file, self._start, self._size = file, start, size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._place, self._size)[whence]
        self._place = base + offset
        return self._place

    def readinto(self, buffer) -> int:  # pyright: ignore
        wanted = max(0, min(len(buffer), self._size - self._place))
        self._file.seek(self._start + self._place)
        found = self._file.read(wanted)
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)
