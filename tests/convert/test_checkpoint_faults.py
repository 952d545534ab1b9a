"""Damaged or inconsistent TensorFlow checkpoints, and folders of links."""

import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from bert_files import (
    arrays,
    as_google,
    as_torch,
    config,
    write_checkpoint,
    write_huggingface,
    write_json,
)
from tensorflow.core.framework import types_pb2, versions_pb2
from tensorflow.core.protobuf import tensor_bundle_pb2

from keras_ctx import convert, models
from keras_ctx.convert import load_bert
from keras_ctx.convert.files.tf_object_graph import ObjectGraph

PREFIX = "bert_model.ckpt"
INDEX, DATA = f"{PREFIX}.index", f"{PREFIX}.data-00000-of-00001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_checkpoint(tmp_path / "bert", as_google(arrays()))
    write_json(folder / "bert_config.json", config())
    return folder


def masked_crc(content: bytes, folder: Path) -> bytes:
    """Returns the checksum of a table, the same as at the end of a TFRecord."""
    path = str(folder / "crc.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(content)
    return Path(path).read_bytes()[-4:]


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number % 128 + 128])
        number //= 128
    return found + bytes([number])


def write_table(path: Path, rows: dict[bytes, bytes]) -> None:
    """Writes an index, a LevelDB table, with one block."""

    def block(entries: dict[bytes, bytes]) -> tuple[bytes, bytes]:
        content, starts = b"", []
        for key, value in entries.items():
            starts.append(len(content).to_bytes(4, "little"))
            lengths = map(varint, (0, len(key), len(value)))
            content += b"".join(lengths) + key + value
        starts = starts or [bytes(4)]
        content += b"".join(starts) + len(starts).to_bytes(4, "little")
        handle = varint(len(table)) + varint(len(content))
        crc = masked_crc(content + b"\0", path.parent)
        return content + b"\0" + crc, handle

    table = b""
    content, data = block(dict(sorted(rows.items())))
    table += content
    content, meta = block({})
    table += content
    content, index = block({max(rows) + b"~": data})
    table += content
    footer = (meta + index).ljust(40, b"\0")
    magic = bytes.fromhex("57fb808b247547db")
    path.write_bytes(table + footer + magic)


def test_an_index_of_arrays_that_are_not_there(tmp_path: Path) -> None:
    # Index and configuration agree, but the data are only a few bytes.
    names = as_google(arrays())
    wide = 2**31 - 1
    word = "bert/embeddings/word_embeddings"
    header = tensor_bundle_pb2.BundleHeaderProto(
        num_shards=1, version=versions_pb2.VersionDef(producer=1)
    )
    rows = {b"": header.SerializeToString()}
    for name, array in names.items():
        shape = (wide, array.shape[1]) if name == word else array.shape
        entry = tensor_bundle_pb2.BundleEntryProto(
            dtype=types_pb2.DT_FLOAT, size=4 * int(np.prod(shape))
        )
        for size in shape:
            entry.shape.dim.add(size=size)
        rows[name.encode()] = entry.SerializeToString()
    write_table(tmp_path / INDEX, rows)
    (tmp_path / DATA).write_bytes(bytes(1000))
    found = tf.train.load_checkpoint(str(tmp_path / PREFIX))
    assert found.get_variable_to_shape_map()[word][0] == wide
    write_json(tmp_path / "bert_config.json", config(vocab_size=wide))
    before = time.perf_counter()
    with pytest.raises(ValueError, match=f"bytes in {INDEX}, but 1,000 bytes"):
        load_bert(tmp_path)
    assert time.perf_counter() - before < 5


@pytest.mark.slow
@pytest.mark.parametrize("name", [INDEX, DATA])
def test_a_changed_byte(name: str, folder: Path) -> None:
    path = folder / name
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 9, dtype=int).tolist():
        changed = bytearray(whole)
        changed[place] ^= 4
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=r"bert_model\.ckpt"):
            load_bert(folder)


@pytest.mark.parametrize("name", [INDEX, DATA])
@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_cut_off(name: str, kept: int, folder: Path) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"bert_model\.ckpt"):
        load_bert(folder)


def test_a_shard_that_is_not_there(folder: Path) -> None:
    (folder / DATA).unlink()
    with pytest.raises(ValueError, match=rf"0 bytes in {PREFIX}\.data-\*"):
        load_bert(folder)


def test_a_state_file_that_points_elsewhere(folder: Path) -> None:
    # Written by a training on another machine: only the name counts.
    state = 'model_checkpoint_path: "/etc/bert_model.ckpt"\n'
    (folder / "checkpoint").write_text(state)
    load_bert(folder)
    (folder / "checkpoint").write_text('model_checkpoint_path: "../other"\n')
    (folder / INDEX).with_name("b.index").write_bytes(b"")
    with pytest.raises(ValueError, match="must hold one checkpoint"):
        load_bert(folder)


@pytest.mark.parametrize("content", [b"\xff\xff", b"\x0a\x06\x0a\x04\x08\x63"])
def test_a_graph_of_objects_that_is_none(content: bytes) -> None:
    with pytest.raises(ValueError, match="graph of objects"):
        ObjectGraph(content).find("a", "b")


def linked(source: Path, target: Path) -> Path:
    """Links a folder as the cache of Hugging Face does."""
    snapshot = target / "snapshots" / "0f3a"
    blobs = target / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, path in enumerate(sorted(source.iterdir())):
        path.rename(blobs / f"{number}")
        (snapshot / path.name).symlink_to(Path("../../blobs") / f"{number}")
    return snapshot


def same(loaded, expected) -> None:
    for ours, theirs in zip(loaded, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_links_of_a_cache(folder: Path, tmp_path: Path) -> None:
    expected = load_bert(folder).get_weights()
    (tmp_path / "google").symlink_to(folder)
    same(load_bert(tmp_path / "google").get_weights(), expected)
    same(load_bert(linked(folder, tmp_path / "a")).get_weights(), expected)
    torch = write_huggingface(tmp_path / "torch", as_torch(arrays()))
    expected = load_bert(torch).get_weights()
    same(load_bert(linked(torch, tmp_path / "b")).get_weights(), expected)


def test_links_of_a_cache_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    encoder = models.bert_encoder(20, 1, 2, 8, 12, max_length=16)
    encoder.save(tmp_path / "run" / "encoder.keras")
    snapshot = linked(tmp_path / "run", tmp_path / "cache")
    loaded = convert.load_encoder(snapshot)
    same(loaded.get_weights(), encoder.get_weights())


def test_shards_of_a_cache(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path / "torch", as_torch(arrays()), shards=2)
    expected = load_bert(folder).get_weights()
    snapshot = linked(folder, tmp_path / "cache")
    same(load_bert(snapshot).get_weights(), expected)
