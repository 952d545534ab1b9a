"""Models out of `.keras` files, looked at before Keras reads them."""

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

from keras_ctx.files.hdf5_file import UnsafeFileError, check_hdf5, open_hdf5
from keras_ctx.files.model_sizes import LARGEST_CONFIG, check_sizes

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_STORED_HEADER = 30
_LARGEST_RATIO = 100  # weights hardly get smaller when they are packed


def load_model(path: str | Path, compile: bool = True) -> keras.Model:
    """Loads a `.keras` file in which nothing points elsewhere.

    Keras's safe mode stays on: no code out of the file is run.

    Args:
        path: What `keras.Model.save` wrote.
        compile: As of `keras.saving.load_model`.

    Returns:
        The model.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no `.keras` file or damaged; a name in it leaves the
            archive; its weights take numbers from elsewhere; or it asks for
            layers that its weights do not fill.

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
        FileNotFoundError: There is no such file.
        ValueError: It is no `.keras` file, damaged, or without measure.

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
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file. Check the spelling and the "
            "working directory."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        KeyError,  # a part that is not there
        NotImplementedError,
        RuntimeError,
        zlib.error,
    ) as error:
        raise ValueError(
            f"{path}: the file must be a whole .keras file, as "
            "`keras.Model.save` writes it. Copy it again, or start the "
            "command of the run again. Received: "
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
            f"{path}: the names in a .keras file must stay in it. "
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
            f"{said}: weights of a model must not be packed to less than a "
            f"hundredth. Received: {info.file_size:,} bytes out of "
            f"{info.compress_size:,}"
        )
    with _member(path, archive, info) as file:
        check_hdf5(file, said)


@contextmanager
def _member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> Iterator[IO[bytes]]:
    """Yields a member's bytes, which can be read at any place."""
    if info.compress_type != zipfile.ZIP_STORED:
        with tempfile.TemporaryFile() as file:
            with archive.open(info) as packed:
                shutil.copyfileobj(packed, file, 1 << 20)
            yield file
        return
    # As Keras writes it. `zipfile` would read all that lies between two
    # places; a few bytes of a large file are enough.
    with open(path, "rb") as file:
        file.seek(info.header_offset)
        header = file.read(_STORED_HEADER)
        if len(header) < _STORED_HEADER:
            raise zipfile.BadZipFile(f"{info.filename} is cut off")
        names = [int.from_bytes(header[k : k + 2], "little") for k in (26, 28)]
        start = info.header_offset + _STORED_HEADER + sum(names)
        yield io.BufferedReader(_Part(file, start, info.file_size))


class _Part(io.RawIOBase):
    """`size` bytes of a file from `start` on."""

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
