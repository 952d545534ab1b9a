"""An error names a damaged file and the position, in one sentence."""

import gzip
import json
import zipfile

import h5py
import numpy as np
import pytest

from keras_ctx import text
from keras_ctx.data import read_lines
from keras_ctx.data.records.folder import open_records
from keras_ctx.data.vectors.folder import read_vectors
from keras_ctx.data.vectors.shard import read_shard
from keras_ctx.files.json_text import load_json_file
from keras_ctx.training.run import results as run_results

BROKEN_JSON = [b'{"a": 1,', b"", b"\xff", b"[" * 100_000, b"\x00\x00"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_gzip(encoding, damage, tmp_path):
    from keras_ctx.data.readers.lines import numbered_lines

    path = tmp_path / "corpus.txt.gz"
    lines = "".join(f"{k * k} words\n" for k in range(20_000))
    packed = bytearray(gzip.compress(lines.encode(encoding)))
    if damage == "cut":
        del packed[len(packed) // 2 :]
    else:
        # A block of an invalid type raises `zlib.error`.
        half = len(packed) // 2
        packed[half : half + 64] = b"\xff" * 64
    path.write_bytes(packed)
    with pytest.raises(ValueError, match=r"corpus\.txt\.gz, after line \d+: "):
        list(numbered_lines(path, encoding))
    if encoding == "utf-8":
        with pytest.raises(ValueError, match="not a complete gzip stream"):
            list(read_lines(path))


@pytest.mark.parametrize("content", BROKEN_JSON)
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("manifest.json", lambda path: open_records(path.parent)),
        ("index.json", lambda path: list(read_vectors(path.parent))),
        ("text_inputs.json", text.load_inputs),
        ("results.json", lambda path: run_results.ended_run(path.parent)),
        ("any.json", load_json_file),
    ],
)
def test_json(content, name, read, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")) as caught:
        read(path)
    assert not isinstance(caught.value, json.JSONDecodeError | UnicodeError)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.pop("settings"),
        lambda m: m.update(files=[{"name": "a"}]),
        lambda m: m.update(files=7),
        lambda m: m.update(more=1),
        lambda m: m["settings"].update(seed="x"),
        lambda m: m.update(files=[{"name": "a", "bytes": -1, "records": 1}]),
    ],
)
def test_manifest_of_another_form(change, tmp_path):
    manifest = {
        "settings": {"kind": "elmo", "split": "whitespace"},
        "source": {},
        "counts": {},
        "files": [],
        "text_inputs": None,
        "text_inputs_sha256": None,
    }
    change(manifest)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"manifest\.json: the file must be"):
        open_records(tmp_path)


def arrays(lengths=(1, 2), rows=3):
    return {
        "first_line": np.array(1),
        "lengths": np.array(lengths),
        "tokens": np.frombuffer(b"a\nb\nc", "uint8"),
        "vectors": np.ones((rows, 1, 2), "float32"),
    }


def write(path, content):
    if path.suffix == ".npz":
        np.savez(path, **content)
        return
    with h5py.File(path, "w") as file:
        for name, array in content.items():
            file[name] = array


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
@pytest.mark.parametrize("damage", ["cut", "lengths", "rows", "missing", "no"])
def test_vectors(suffix, damage, tmp_path):
    path = tmp_path / f"vectors-00000{suffix}"
    content = arrays(
        lengths=(1, 20) if damage == "lengths" else (1, 2),
        rows=2 if damage == "rows" else 3,
    )
    if damage == "missing":
        del content["lengths"]
    write(path, content)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-300])
    if damage == "no":
        assert [len(found.tokens) for found in read_shard(path)] == [1, 2]
        return
    with pytest.raises(ValueError, match=rf"vectors-00000{suffix}, after line"):
        list(read_shard(path))


def test_a_changed_byte_of_an_npz(tmp_path):
    path = tmp_path / "vectors-00000.npz"
    write(path, arrays())
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("lengths.npy").header_offset + 180
    content = bytearray(path.read_bytes())
    content[place] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"\.npz, after line 0"):
        list(read_shard(path))
