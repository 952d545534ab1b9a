"""Every reader refuses HDF5 files with arrays outside of the file."""

import re
import zipfile

import h5py
import keras
import numpy as np
import pytest

from keras_ctx import convert, models
from keras_ctx.data.vectors.shard import read_shard
from keras_ctx.files.hdf5_file import check_hdf5
from keras_ctx.files.model_file import load_model

SECRET = np.arange(4, dtype="float32")


def external_storage(group, name, folder, shape, dtype):
    size = max(1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
    (folder / "secret.bin").write_bytes(b"\x01" * size)
    group.create_dataset(
        name, shape, dtype, external=[(folder / "secret.bin", 0, size)]
    )


def virtual(group, name, folder, shape, dtype):
    with h5py.File(folder / "secret.h5", "w") as file:
        file["a"] = np.ones(shape, dtype)
    layout = h5py.VirtualLayout(shape, dtype)
    layout[...] = h5py.VirtualSource(str(folder / "secret.h5"), "a", shape)
    group.create_virtual_dataset(name, layout)


def external_link(group, name, folder, shape, dtype):
    with h5py.File(folder / "secret.h5", "w") as file:
        file["a"] = np.ones(shape, dtype)
    group[name] = h5py.ExternalLink(str(folder / "secret.h5"), "a")


def soft_link(group, name, folder, shape, dtype):
    group.file["other"] = np.ones(shape, dtype)
    group[name] = h5py.SoftLink("/other")


def never_written(group, name, folder, shape, dtype):
    group.create_dataset(name, shape, dtype)


KINDS = {
    external_storage: "external storage, .*secret.bin",
    virtual: "a virtual dataset of .*secret.h5",
    external_link: "an external link to 'a' in .*secret.h5",
    soft_link: "a soft link to '/other'",
    never_written: r"with 0 of [\d,]+ bytes",
}
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)


def turn(path, kind, folder, suffix=""):
    """Replaces a dataset by one from outside, by the end of its name."""
    with h5py.File(path, "r+") as file:
        found = []
        file.visititems(
            lambda name, item: (
                found.append(name)
                if isinstance(item, h5py.Dataset) and name.endswith(suffix)
                else None
            )
        )
        name = found[0]
        shape, dtype = file[name].shape, file[name].dtype
        del file[name]
        group, _, last = name.rpartition("/")
        kind(file[group or "/"], last, folder, shape, dtype)


def refused(kind):
    return pytest.raises(ValueError, match=re.compile(KINDS[kind], re.DOTALL))


@every_kind
def test_elmo_weights(kind, tmp_path):
    encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
    files = tmp_path / "options.json", tmp_path / "weights.hdf5"
    convert.save_elmo(encoder, *files)
    turn(files[1], kind, tmp_path)
    with refused(kind) as caught:
        convert.load_elmo(*files)
    assert "damaged" not in str(caught.value)


@every_kind
def test_keras_file(kind, tmp_path):
    path = tmp_path / "encoder.keras"
    models.bert_tiny(20, max_length=8).save(path)
    repack(path, lambda weights: turn(weights, kind, tmp_path))
    for load in (load_model, lambda path: convert.load_encoder(path.parent)):
        with refused(kind):
            load(path)
    path.rename(tmp_path / "model.keras")
    with refused(kind):
        convert.load_embedder(tmp_path)


@every_kind
def test_vectors(kind, tmp_path):
    path = tmp_path / "vectors-00000.h5"
    with h5py.File(path, "w") as file:
        file["first_line"], file["lengths"] = 1, [1]
        file["tokens"] = np.frombuffer(b"a", "uint8")
        file["vectors"] = np.ones((1, 1, 2), "float32")
    assert len(list(read_shard(path))) == 1
    turn(path, kind, tmp_path, "vectors")
    with refused(kind):
        list(read_shard(path))


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_whole_model_loads(packed, tmp_path):
    path = tmp_path / "model.keras"
    model = models.bert_tiny(20, max_length=8)
    model.save(path)
    repack(path, lambda weights: None, packed)
    for ours, theirs in zip(
        load_model(path).get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_hard_links_that_form_a_circle_end(tmp_path):
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("a/b")
        group["up"] = file["a"]
    check_hdf5(path, str(path))


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a\\..\\b"])
def test_names_that_leave_a_keras_file(name, tmp_path):
    path = tmp_path / "model.keras"
    models.bert_tiny(20, max_length=8).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(ValueError, match="must not lead out of it"):
        load_model(path)


def test_code_in_a_keras_file(tmp_path):
    path = tmp_path / "model.keras"
    inputs = keras.Input((1,))
    outputs = keras.layers.Lambda(lambda x: x + 1)(inputs)
    keras.Model(inputs, outputs).save(path)
    with pytest.raises(ValueError, match="safe"):
        load_model(path)


def test_a_keras_file_that_is_cut_off(tmp_path):
    path = tmp_path / "model.keras"
    models.bert_tiny(20, max_length=8).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"model\.keras: .* whole"):
        load_model(path)


def test_packed_weights_that_grow_without_measure(tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(1 << 24))
    with pytest.raises(ValueError, match="must not be compressed"):
        load_model(path)


def repack(path, change, packed=zipfile.ZIP_STORED):
    """Rewrites a `.keras` file with changed weights."""
    weights = path.with_name("changed.h5")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    weights.write_bytes(parts["model.weights.h5"])
    change(weights)
    parts["model.weights.h5"] = weights.read_bytes()
    weights.unlink()
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
