"""First states that are measured, against NumPy."""

from pathlib import Path

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import convert
from keras_ctx.layers import BiLM
from keras_ctx.models import elmo_encoder, elmo_word_encoder, warm_start

# Ids 1 and 2 are the markers. Two rows a batch, read on from batch to batch.
BATCHES = [
    [[4, 5, 6], [7, 0, 0]],
    [[8, 3, 0], [5, 5, 9]],
    [[6, 0, 0], [9, 4, 0]],
]


def encoder() -> keras.Model:
    return randomized(elmo_word_encoder(9, 6, 4, dropout=0.0))


def features(batch: list) -> dict[str, np.ndarray]:
    return {"word_ids": np.array(batch, "int32")}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def read_on(cells, x, states):
    """Rows `(T, P)` through a stack; outputs of the top and the last states."""
    after = []
    for k, (cell, (h, c)) in enumerate(zip(cells, states, strict=True)):
        weights = {w.name: np.asarray(w, "float64") for w in cell.weights}
        outputs = []
        for step in x:
            z = (
                step @ weights["kernel"]
                + h @ weights["recurrent_kernel"]
                + weights["bias"]
            )
            i, j, f, o = np.split(z, 4)
            c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
            c = np.clip(c, -3, 3)
            h = (sigmoid(o) * np.tanh(c)) @ weights["projection_kernel"]
            h = np.clip(h, -3, 3)
            outputs.append(h)
        x = np.stack(outputs) + (x if k else 0)
        after.append((h, c))
    return x, after


def zeros():
    return [(np.zeros(4), np.zeros(6))] * 2


def measured(model: keras.Model) -> list:
    """Means of the states behind each sentence of the last two batches."""
    table = np.asarray(model.get_layer("word_embedding").embeddings, "float64")
    bilm = model.get_layer("bilm")
    means = []
    for cells, first, step in (
        (bilm.forward_cells, 1, 1),
        (bilm.backward_cells, 2, -1),
    ):
        seen = []
        for row in (0, 1):
            states = zeros()
            for number, batch in enumerate(BATCHES):
                words = [x for x in batch[row] if x][::step]
                _, states = read_on(cells, table[[first, *words]], states)
                if number:
                    seen.append(states)
        means += [
            np.mean([s[k][part] for s in seen], axis=0)
            for k in range(2)
            for part in range(2)
        ]
    return means


def test_states_are_the_mean_behind_sentences() -> None:
    model = encoder()
    warm = warm_start(model, map(features, BATCHES))
    found = [x for s in warm.get_layer("bilm").initial_states for x in s]
    for ours, expected in zip(found, measured(model), strict=True):
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def test_every_row_begins_there() -> None:
    model = encoder()
    warm = warm_start(model, map(features, BATCHES))
    states = measured(model)
    forward = [(states[0], states[1]), (states[2], states[3])]
    backward = [(states[4], states[5]), (states[6], states[7])]
    table = np.asarray(model.get_layer("word_embedding").embeddings, "float64")
    bilm = warm.get_layer("bilm")
    for _ in range(2):  # nothing is carried
        found = np.asarray(warm(features(BATCHES[0]))["sequence"])
        for row, ids in zip(found, BATCHES[0], strict=True):
            words = [x for x in ids if x]
            x = table[[1, *words, 2]]
            ahead, _ = read_on(bilm.forward_cells, x, forward)
            back, _ = read_on(bilm.backward_cells, x[::-1], backward)
            both = np.concatenate([ahead, back[::-1]], 1)[1:-1]
            np.testing.assert_allclose(
                row[: len(words)], both, rtol=0, atol=1e-5
            )


def test_the_copy_is_one_and_saves(tmp_path: Path) -> None:
    model = encoder()
    before = [np.asarray(x) for x in model.weights]
    warm = warm_start(model, map(features, BATCHES))
    warm.save(tmp_path / "warm.keras")
    loaded = keras.saving.load_model(tmp_path / "warm.keras")
    expected = np.asarray(warm(features(BATCHES[0]))["sequence"])
    np.testing.assert_array_equal(
        loaded(features(BATCHES[0]))["sequence"], expected
    )
    # Measured again, the same: from zeros, wherever the copy begins.
    again = warm_start(loaded, map(features, BATCHES))
    np.testing.assert_allclose(
        again(features(BATCHES[0]))["sequence"], expected, rtol=0, atol=1e-6
    )
    warm.get_layer("word_embedding").embeddings.assign_add(np.ones((10, 4)))
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    with pytest.raises(ValueError, match="no place for first states"):
        convert.save_elmo(warm, tmp_path / "o.json", tmp_path / "w.hdf5")


def test_of_characters_and_padding() -> None:
    model = randomized(elmo_encoder([(1, 4)], 6, 4, max_characters=3))
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 262, (4, 5, 3)).astype("int32")
    ids[1, 2:] = 0
    batch = {"char_ids": ids}
    padded = {"char_ids": np.pad(ids, ((0, 0), (0, 3), (0, 0)))}
    ours = warm_start(model, [batch, batch]).get_layer("bilm")
    theirs = warm_start(model, [padded, padded]).get_layer("bilm")
    for some, others in zip(
        ours.initial_states, theirs.initial_states, strict=True
    ):
        for x, y in zip(some, others, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-6)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="behind the first batch"):
        warm_start(encoder(), [features(BATCHES[0])])
    with pytest.raises(ValueError, match="`encoder` must be a model of"):
        warm_start(keras.Sequential([keras.Input((1,))]), [])
    stateful = elmo_word_encoder(9, 6, 4, stateful=True)
    with pytest.raises(ValueError, match="must not be stateful"):
        warm_start(stateful, [])
    with pytest.raises(ValueError, match='"zeros" or "measured".*nonsense'):
        BiLM(4, 4, initial_state="nonsense")
    with pytest.raises(ValueError, match="if `stateful` is true"):
        BiLM(4, 4, stateful=True, initial_state="measured")
