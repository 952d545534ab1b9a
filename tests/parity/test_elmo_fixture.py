"""The stored vectors of allenai/allennlp (ELMO.md, section 13)."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from elmo_numpy import Options, elmo, word_ids
from elmo_weights import copy_bilm, copy_char_cnn

from keras_ctx import layers

h5py = pytest.importorskip("h5py")
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
def char_cnn(weights, options) -> layers.CharCNNHighway:
    layer = layers.CharCNNHighway(
        options.filters, options.projection_dim, char_dim=4
    )
    layer.build((None, None, LENGTH))
    copy_char_cnn(weights, layer)
    return layer


@pytest.fixture(scope="module")
def batches() -> list[list[list[str]]]:
    """Batch i: sentence i of each of the three lists."""
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


def marked(sentence: list[str]) -> list[list[int]]:
    return [word_ids(word, LENGTH) for word in ["<S>", *sentence, "</S>"]]


def test_every_stored_vector_with_carried_state(
    weights, options, char_cnn, batches, stored
) -> None:
    bilm = layers.BiLM(
        options.dim,
        options.projection_dim,
        options.n_layers,
        options.cell_clip,
        options.proj_clip,
        options.use_skip_connections,
        stateful=True,
    )
    bilm.build((3, None, options.projection_dim))
    copy_bilm(weights, bilm)
    # One shape, so that the graph is made once: eager steps are slow.
    width = 2 + max(len(sentence) for batch in batches for sentence in batch)
    run = tf.function(
        lambda ids, mask: bilm(char_cnn(ids), padding_mask=mask)[-1]
    )
    compared = 0
    for i, batch in enumerate(batches):
        ids = np.zeros((3, width, LENGTH), "int32")
        for row, sentence in zip(ids, batch, strict=True):
            row[: len(sentence) + 2] = marked(sentence)
        top = run(tf.constant(ids), tf.reduce_any(ids != 0, axis=-1)).numpy()
        for row, expected, sentence in zip(top, stored, batch, strict=True):
            both = expected[str(i)]  # (2, words, projection_dim)
            assert both.shape[1] == len(sentence)
            np.testing.assert_allclose(
                row[1 : len(sentence) + 1],
                np.concatenate([both[0], both[1]], axis=-1),
                rtol=0,
                atol=1e-5,
            )
            compared += both.size
    assert compared == 2 * 16 * 744


def test_numpy_reading_gives_the_stored_vectors_too(
    weights, options, batches, stored
) -> None:
    # The witness of the other parity tests is itself held to a third party.
    for k in range(3):
        state: dict = {}
        for i, batch in enumerate(batches):
            ids = np.array([word_ids(word, LENGTH) for word in batch[k]])
            top = elmo(weights, options, ids, state)[-1]
            both = stored[k][str(i)]
            expected = np.concatenate([both[0], both[1]], axis=-1)
            np.testing.assert_allclose(top, expected, rtol=0, atol=1e-5)


def test_token_layer_of_each_word(char_cnn) -> None:
    words = (FOLDER / "vocab_test.txt").read_text("utf-8").split("\n")
    words = [word for word in words if word]
    ids = np.array([[word_ids(word, LENGTH)] for word in words], "int32")
    with h5py.File(FOLDER / "elmo_token_embeddings.hdf5") as file:
        expected = file["embedding"][()]
    assert len(expected) == len(words) == 458
    ours = keras.ops.convert_to_numpy(char_cnn(ids))[:, 0]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)
