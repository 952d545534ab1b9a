"""The stored vectors of allenai/allennlp (ELMO.md, section 13)."""

import json
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from elmo_numpy import Options, elmo, word_ids

from keras_ctx.convert import load_elmo, save_elmo

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "elmo"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason=f"the fixture of allenai/allennlp is not at {FOLDER}",
)
LENGTH = 50


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def keep(name: str, item) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(FOLDER / "lm_weights.hdf5") as file:
        file.visititems(keep)
    assert len(found) == 33
    return found


@pytest.fixture(scope="module")
def options() -> Options:
    read = json.loads((FOLDER / "options.json").read_text())
    lstm, cnn = read["lstm"], read["char_cnn"]
    return Options(
        filters=cnn["filters"],
        dim=lstm["dim"],
        projection_dim=lstm["projection_dim"],
        n_layers=lstm["n_layers"],
        n_highway=cnn["n_highway"],
        activation=cnn["activation"],
        cell_clip=lstm["cell_clip"],
        proj_clip=lstm["proj_clip"],
        use_skip_connections=lstm["use_skip_connections"],
    )


@pytest.fixture(scope="module")
def encoder() -> keras.Model:
    return load_elmo(
        FOLDER / "options.json",
        FOLDER / "lm_weights.hdf5",
        stateful=True,
        max_batch_size=3,
    )


@pytest.fixture(scope="module")
def batches() -> list[list[list[str]]]:
    """Returns batches; batch i has sentence i of each of three lists."""
    lists = json.loads((FOLDER / "sentences.json").read_text())
    split = [[s.split() for s in sentences] for sentences in lists]
    return [list(batch) for batch in zip(*split, strict=True)]


@pytest.fixture(scope="module")
def stored() -> list[dict[str, np.ndarray]]:
    found = []
    for k in range(3):
        with h5py.File(FOLDER / f"lm_embeddings_{k}.hdf5") as file:
            found.append({key: file[key][()] for key in file})
    return found


def test_every_stored_vector_with_carried_state(
    encoder, batches, stored
) -> None:
    # One shape, so that the graph is traced once; eager steps are slow.
    width = max(len(sentence) for batch in batches for sentence in batch)
    run = tf.function(lambda ids: encoder({"char_ids": ids})["sequence"])
    compared = 0
    for i, batch in enumerate(batches):
        ids = np.zeros((3, width, LENGTH), "int32")
        for row, sentence in zip(ids, batch, strict=True):
            row[: len(sentence)] = [word_ids(w, LENGTH) for w in sentence]
        top = run(tf.constant(ids)).numpy()
        for row, expected, sentence in zip(top, stored, batch, strict=True):
            both = expected[str(i)]  # (2, words, projection_dim)
            assert both.shape[1] == len(sentence)
            theirs = np.concatenate([both[0], both[1]], axis=-1)
            ours = row[: len(sentence)]
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
            compared += both.size
    assert compared == 2 * 16 * 744


def test_numpy_reading_gives_the_stored_vectors_too(
    weights, options, batches, stored
) -> None:
    # Checks the reference of the other parity tests against a third party.
    for k in range(3):
        state: dict = {}
        for i, batch in enumerate(batches):
            ids = np.array([word_ids(word, LENGTH) for word in batch[k]])
            top = elmo(weights, options, ids, state)[-1]
            both = stored[k][str(i)]
            expected = np.concatenate([both[0], both[1]], axis=-1)
            np.testing.assert_allclose(top, expected, rtol=0, atol=1e-5)


def test_token_layer_of_each_word(encoder) -> None:
    words = (FOLDER / "vocab_test.txt").read_text("utf-8").split("\n")
    words = [word for word in words if word]
    ids = np.array([[word_ids(word, LENGTH)] for word in words], "int32")
    with h5py.File(FOLDER / "elmo_token_embeddings.hdf5") as file:
        expected = file["embedding"][()]
    assert len(expected) == len(words) == 458
    char_cnn = encoder.get_layer("char_cnn")
    ours = keras.ops.convert_to_numpy(char_cnn(ids))[:, 0]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def test_files_are_written_back(encoder, weights, tmp_path: Path) -> None:
    save_elmo(encoder, tmp_path / "options.json", tmp_path / "weights.hdf5")
    ours, theirs = (
        json.loads((folder / "options.json").read_text("utf-8"))
        for folder in (tmp_path, FOLDER)
    )
    assert ours == theirs
    names = set()

    def compare(name: str, item) -> None:
        if isinstance(item, h5py.Dataset):
            names.add(name)
            assert item.dtype == weights[name].dtype == "float32"
            np.testing.assert_array_equal(item[()], weights[name])

    with h5py.File(tmp_path / "weights.hdf5") as file:
        file.visititems(compare)
    assert names == weights.keys()
