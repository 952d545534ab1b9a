"""Folders of vectors: written completely or not at all, and read back."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from keras_ctx.data import VectorWriter, read_vectors

FORMATS = ("hdf5", "npz")
SHARDS = [  # lines of tokens
    [[b"a", "é".encode()], [], [b"c"]],
    [[], []],
    [[b"d"] * 4],
]
L, D = 2, 3


def vectors_of(line: int, length: int) -> np.ndarray:
    generator = np.random.default_rng(line)
    return generator.normal(size=(length, L, D)).astype("float32")


def writer_of(folder: Path, **arguments) -> VectorWriter:
    default = {"num_layers": L, "size": D, "settings": {"corpus": "x"}}
    return VectorWriter(folder, **{**default, **arguments})


def write(folder: Path, **arguments) -> Path:
    writer = writer_of(folder, **arguments)
    first_line = 1
    for tokens in SHARDS:
        with writer.shard(first_line, tokens) as put:
            for place in reversed(range(len(tokens))):  # in any order
                if tokens[place]:
                    line = first_line + place
                    put(place, vectors_of(line, len(tokens[place])))
        first_line += len(tokens)
    writer.finish(first_line - 1)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("format", FORMATS)
def test_read_as_written(format: str, dtype: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "out", format=format, dtype=dtype)
    lines = [line for shard in SHARDS for line in shard]
    found = list(read_vectors(folder))
    assert [each.line for each in found] == [1, 2, 3, 4, 5, 6]
    for each, tokens in zip(found, lines, strict=True):
        assert [token.encode() for token in each.tokens] == tokens
        expected = vectors_of(each.line, len(tokens)).astype(dtype)
        assert each.vectors.dtype == dtype
        np.testing.assert_array_equal(each.vectors, expected)


@pytest.mark.parametrize("format", FORMATS)
def test_equal_content_gives_equal_files(format: str, tmp_path: Path) -> None:
    first = content(write(tmp_path / "a", format=format))
    assert first == content(write(tmp_path / "b", format=format))
    suffix = {"hdf5": "h5", "npz": "npz"}[format]
    shards = [f"vectors-0000{k}.{suffix}" for k in range(3)]
    assert sorted(first) == ["index.json", *shards]


def test_files_are_plain_for_others(tmp_path: Path) -> None:
    npz = write(tmp_path / "npz", format="npz") / "vectors-00000.npz"
    hdf5 = write(tmp_path / "hdf5") / "vectors-00000.h5"
    with np.load(npz, allow_pickle=False) as a, h5py.File(hdf5) as b:
        assert sorted(a) == sorted(b)
        for name in a:
            np.testing.assert_array_equal(a[name], b[name][()])
        assert a["first_line"] == 1
        assert a["lengths"].tolist() == [2, 0, 1]
        assert a["tokens"].tobytes().decode() == "a\né\nc"
        assert a["vectors"].shape == (3, L, D)


@pytest.mark.parametrize("format", FORMATS)
def test_stopped_shard_leaves_nothing(format: str, tmp_path: Path) -> None:
    writer = writer_of(tmp_path, format=format)
    with pytest.raises(KeyboardInterrupt):
        with writer.shard(1, [[b"a"], [b"b"]]) as put:
            put(0, vectors_of(1, 1))
            raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["index.json"]
    assert writer_of(tmp_path, format=format).num_shards == 0


@pytest.mark.parametrize("format", FORMATS)
def test_goes_on_after_its_whole_shards(format: str, tmp_path: Path) -> None:
    folder = write(tmp_path, format=format)
    before = content(folder)
    last = sorted(folder.glob("vectors-*"))[-1]
    last.rename(folder / f".{last.name}")  # as left by a killed run
    (folder / f".{'0a' * 16}.index.json").write_text("{")
    (folder / ".index.json.0123").write_text("{")  # by an older version
    writer = writer_of(folder, format=format)
    assert writer.num_shards == 2
    assert not (folder / f".{last.name}").exists()
    with writer.shard(6, SHARDS[2]) as put:
        put(0, vectors_of(6, 4))
    writer.finish(6)
    assert content(folder) == before


def test_unfinished_folder_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(read_vectors(tmp_path))
    writer_of(tmp_path)
    with pytest.raises(ValueError, match="`folder` must hold .* whole corpus"):
        next(read_vectors(tmp_path))


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    writer = writer_of(tmp_path, settings={"corpus": "x", "window": 5})
    with writer.shard(1, [[b"a"]]) as put:
        put(0, vectors_of(1, 1))
    message = (
        r"same settings.*Received: dtype: 'float32' there, 'float16' now; "
        r"extra: None there, \[1\] now; window: 5 there, 6 now$"
    )
    with pytest.raises(ValueError, match=message):
        settings = {"corpus": "x", "window": 6, "extra": (1,)}
        writer_of(tmp_path, settings=settings, dtype="float16")
    # The files are not overwritten.
    index = json.loads((tmp_path / "index.json").read_text())
    assert index["settings"]["window"] == 5


def test_vectors_without_their_index_are_refused(tmp_path: Path) -> None:
    (write(tmp_path) / "index.json").unlink()
    with pytest.raises(ValueError, match="without their index.json"):
        writer_of(tmp_path)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("`dtype` must be one of .*'int8'", {"dtype": "int8"}),
        ("`format` must be one of .*'csv'", {"format": "csv"}),
    ],
)
def test_unknown_choice(message: str, arguments: dict, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        writer_of(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_bad_vectors_are_refused(tmp_path: Path) -> None:
    writer = writer_of(tmp_path, dtype="float16")
    good = vectors_of(8, 1)
    for message, bad in (
        (r"shape \(1, 2, 3\). Received: \(2, 2, 3\)", vectors_of(8, 2)),
        ("NaN or infinity for line 8", good * np.float32("nan")),
        (
            "float16 cannot hold a value of line 8, 1e.06.*float32",
            0 * good + 1e6,
        ),
    ):
        with pytest.raises(ValueError, match=message):
            with writer.shard(7, [[], [b"a"]]) as put:
                put(1, bad)
    with pytest.raises(ValueError, match="Received none for line 8"):
        with writer.shard(7, [[], [b"a"]]):
            pass
    with pytest.raises(ValueError, match="no line end.* lines 7 to 8"):
        with writer.shard(7, [[], [b"a\nb"]]):
            pass
    assert writer.num_shards == 0


def test_settings_of_a_run_that_wrote_nothing(tmp_path: Path) -> None:
    writer_of(tmp_path, settings={"mix": "wrong"})
    writer = writer_of(tmp_path)  # refused once there is a shard
    with writer.shard(1, [[b"a"]]) as put:
        put(0, vectors_of(1, 1))
    with pytest.raises(ValueError, match="corpus: 'x' there, 'y' now"):
        writer_of(tmp_path, settings={"corpus": "y"})
    writer_of(tmp_path).finish(1)
    index = json.loads((tmp_path / "index.json").read_text())
    assert "mix" not in index["settings"]
    assert len(list(read_vectors(tmp_path))) == 1
