"""A folder of shards of vectors, written and read line by line."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from keras_ctx.data.vectors.shard import (
    SentenceVectors,
    read_shard,
    write_hdf5,
    write_npz,
)
from keras_ctx.files.json_text import json_text, load_json_file
from keras_ctx.files.whole_file import (
    left_over_files,
    name_full_disk,
    write_text,
)
from keras_ctx.settings_diff import differences

_WRITERS = {"hdf5": (".h5", write_hdf5), "npz": (".npz", write_npz)}
_DTYPES = ("float32", "float16")


class VectorWriter:
    """A writer of a folder of vectors, shard by shard, which can resume.

    A shard gets its name once it is complete, so a killed run loses only the
    current shard. `index.json` holds the settings and, after `finish`, the
    number of lines. Only one process at a time may write to a folder.

    Args:
        folder: The folder to write to. It is created if it does not exist.
        num_layers: Number of layers L.
        size: Number of features per token D.
        settings: All settings that the vectors depend on, as JSON. A folder
            written with other settings is refused.
        dtype: "float32" or "float16".
        format: "hdf5" or "npz".

    Raises:
        ValueError: The dtype or format is unknown, or the folder was written
            with other settings.

    Example:
        >>> writer = VectorWriter("vectors", num_layers=2, size=3, settings={})
        >>> with writer.shard(first_line=1, tokens=[[b"a", b"b"], []]) as put:
        ...     put(0, np.ones((2, 2, 3), "float32"))
        >>> writer.finish(num_lines=2)
        >>> [(s.tokens, s.vectors.shape) for s in read_vectors("vectors")]
        [(['a', 'b'], (2, 2, 3)), ([], (0, 2, 3))]
    """

    def __init__(
        self,
        folder: str | Path,
        num_layers: int,
        size: int,
        settings: dict[str, Any],
        dtype: str = "float32",
        format: str = "hdf5",
    ):
        for name, value, choice in (
            ("dtype", dtype, _DTYPES),
            ("format", format, tuple(_WRITERS)),
        ):
            if value not in choice:
                raise ValueError(
                    f"`{name}` must be one of {choice}. "
                    f"Received: {name}={value!r}"
                )
        self.folder = Path(folder)
        self.shape = (num_layers, size)
        self.dtype = dtype
        self.format = format
        written = {
            **settings,
            "num_layers": num_layers,
            "size": size,
            "dtype": dtype,
            "format": format,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_unfinished()
        self._index = self._begin(json.loads(json_text(written)))
        self.num_shards = 0
        """Number of finished shards, and the number of the next one."""
        while _shard_path(self.folder, format, self.num_shards).exists():
            self.num_shards += 1

    @contextmanager
    def shard(
        self, first_line: int, tokens: Sequence[Sequence[bytes]]
    ) -> Iterator[Callable[[int, np.ndarray], None]]:
        """Writes the next shard.

        Args:
            first_line: Number of the shard's first line, from 1.
            tokens: The tokens of each line, without line ends. A line may
                have none.

        Yields:
            A function of a line's index in the shard and its vectors
            `(T, L, D)`. Call it once for each line with tokens, in any order.
        """
        lengths = np.array([len(line) for line in tokens], "int32")
        ends = np.cumsum(lengths, dtype="int64")
        total = int(ends[-1]) if len(ends) else 0
        text = b"\n".join(token for line in tokens for token in line)
        if text.count(b"\n") != max(total - 1, 0):
            raise ValueError(
                "`tokens` must hold no line end. Received one in a token of "
                f"lines {first_line} to {first_line + len(tokens) - 1}"
            )
        arrays = {
            "first_line": np.array(first_line, "int64"),
            "lengths": lengths,
            "tokens": np.frombuffer(text, "uint8"),
        }
        missing = {place for place, length in enumerate(lengths) if length}
        path = _shard_path(self.folder, self.format, self.num_shards)
        _, write = _WRITERS[self.format]
        try:
            with write(path, (total, *self.shape), self.dtype, arrays) as put:

                def put_line(place: int, vectors: np.ndarray) -> None:
                    length = int(lengths[place])
                    if vectors.shape != (length, *self.shape):
                        raise ValueError(
                            "`vectors` must have the shape "
                            f"{(length, *self.shape)}. "
                            f"Received: {vectors.shape}"
                        )
                    row = int(ends[place]) - length
                    put(row, self._stored(vectors, first_line + place))
                    missing.discard(place)

                yield put_line
                if missing:
                    raise ValueError(
                        "Every line with tokens needs vectors. "
                        f"Received none for line {first_line + min(missing)}"
                    )
        except BaseException as error:
            self._remove_unfinished()
            name_full_disk(error, path)
            raise
        self.num_shards += 1

    def finish(self, num_lines: int) -> None:
        """Marks the folder as complete, so that `read_vectors` reads it."""
        whole = {"num_lines": num_lines, "num_shards": self.num_shards}
        self._write_index({**self._index, **whole})

    def _begin(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Returns the existing index, or a new one."""
        path = self.folder / "index.json"
        if not path.exists():
            strangers = sorted(self.folder.glob("vectors-*"))
            if strangers:
                raise ValueError(
                    "`folder` must not hold vectors without their index.json. "
                    "Choose another folder, or empty it. "
                    f"Received: {strangers[0]}"
                )
            index = {"settings": settings, "num_lines": None}
            self._write_index({**index, "num_shards": None})
        index = load_json_file(path)
        _check_index(index, path)
        differing = differences(index["settings"], settings)
        if differing and not any(self.folder.glob("vectors-*")):
            # From a run that was refused before it wrote any vectors.
            index = {"settings": settings, "num_lines": None}
            self._write_index({**index, "num_shards": None})
        elif differing:
            raise ValueError(
                f"`folder` ({self.folder}) must hold vectors computed with the "
                "same settings. Choose another folder, or the earlier "
                f"settings. Received: {'; '.join(differing)}"
            )
        return index

    def _write_index(self, index: dict[str, Any]) -> None:
        self._index = index
        text = json_text(index, indent=1)
        write_text(self.folder / "index.json", text + "\n")

    def _stored(self, vectors: np.ndarray, line: int) -> np.ndarray:
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(vectors, self.dtype)
        if not np.isfinite(stored).all():
            if np.isfinite(vectors).all():
                raise ValueError(
                    f"`dtype` {self.dtype} cannot hold a value of line "
                    f"{line}, {np.abs(vectors).max():g}. Use float32."
                )
            raise ValueError(
                "`vectors` must be finite. Received NaN or infinity for line "
                f"{line}; check the weights of the encoder."
            )
        return stored

    def _remove_unfinished(self) -> None:
        for path in self.folder.iterdir():
            if re.match(r"\.(vectors-\d|index\.json\.)", path.name):
                path.unlink()
        for path in left_over_files(self.folder, "index.json"):
            path.unlink()


def read_vectors(folder: str | Path) -> Iterator[SentenceVectors]:
    """Streams the vectors of a corpus, in the order of its lines.

    Args:
        folder: A folder that `VectorWriter` or `recipes/embed_corpus.py` has
            written.

    Yields:
        For each line of the corpus, including blank ones: `line`, its number
        from 1; `tokens`, a list of T strings; and `vectors`, `(T, L, D)`.
        Only one line's vectors are in memory at a time.

    Raises:
        FileNotFoundError: The folder does not exist or holds no vectors.
        ValueError: The folder is incomplete.

    Example:
        >>> writer = VectorWriter("one", num_layers=1, size=2, settings={})
        >>> with writer.shard(first_line=1, tokens=[[b"a"]]) as put:
        ...     put(0, np.array([[[1.0, 2.0]]]))
        >>> writer.finish(num_lines=1)
        >>> for line, tokens, vectors in read_vectors("one"):
        ...     print(line, tokens, vectors)
        1 ['a'] [[[1. 2.]]]
    """
    folder = Path(folder)
    index = load_json_file(folder / "index.json")
    _check_index(index, folder / "index.json")
    if index["num_lines"] is None:
        raise ValueError(
            "`folder` must hold the vectors of a whole corpus. Run the program "
            "that writes it again: it resumes where it stopped. Received: "
            f"folder={str(folder)!r}"
        )
    for number in range(index["num_shards"]):
        yield from read_shard(
            _shard_path(folder, index["settings"]["format"], number)
        )


def _check_index(index: Any, path: Path) -> None:
    counts = ("num_lines", "num_shards")
    if not (
        isinstance(index, dict)
        and isinstance(index.get("settings"), dict)
        and all(
            name in index
            and (
                index[name] is None
                or (type(index[name]) is int and index[name] >= 0)
            )
            for name in counts
        )
        and index["settings"].get("format") in tuple(_WRITERS)
        and (index["num_lines"] is None or index["num_shards"] is not None)
    ):
        raise ValueError(
            f"{path}: the file must be as VectorWriter writes it, with "
            f"`settings`, their `format` one of {', '.join(_WRITERS)}, "
            f"`num_lines` and `num_shards`. Received: {str(index)[:200]}. "
            "Compute the vectors again."
        )


def _shard_path(folder: Path, format: str, number: int) -> Path:
    return folder / f"vectors-{number:05d}{_WRITERS[format][0]}"
