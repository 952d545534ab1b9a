"""Measured initial states, compared with NumPy."""

from pathlib import Path

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized
from parity.elmo_layer import numpy_weights
from parity.elmo_numpy import State, stacks

from keras_ctx import convert
from keras_ctx.layers import BiLM
from keras_ctx.models import elmo_encoder, elmo_word_encoder, warm_start

# Ids 1 and 2 are the markers. Two rows per batch, continued across batches.
BATCHES = [
    [[4, 5, 6], [7, 0, 0]],
    [[8, 3, 0], [5, 5, 9]],
    [[6, 0, 0], [9, 4, 0]],
]


def encoder() -> keras.Model:
    return randomized(elmo_word_encoder(9, 6, 4, dropout=0.0))


def features(batch: list) -> dict[str, np.ndarray]:
    return {"word_ids": np.array(batch, "int32")}


def table_of(model: keras.Model) -> np.ndarray:
    return np.asarray(model.get_layer("word_embedding").embeddings, "float64")


def measured(model: keras.Model) -> State:
    """Returns mean states after each sentence of the last two batches."""
    table, seen = table_of(model), []
    read = numpy_weights(model.get_layer("bilm"))
    for row in (0, 1):
        ahead: State = {}
        back: State = {}
        for number, batch in enumerate(BATCHES):
            words = [x for x in batch[row] if x]
            stacks(*read, table[[1, *words]], ahead)
            stacks(*read, table[[*words, 2]], back)
            if number:
                seen.append({k: (ahead, back)[k[0]][k] for k in ahead})
    return {
        key: tuple(np.mean([s[key][i] for s in seen], axis=0) for i in (0, 1))
        for key in seen[0]
    }


def test_states_are_the_mean_behind_sentences() -> None:
    model = encoder()
    warm = warm_start(model, map(features, BATCHES))
    found = warm.get_layer("bilm").initial_states
    # Forward first, in the order of the layer's cells.
    for some, (_, others) in zip(
        found, sorted(measured(model).items()), strict=True
    ):
        for state, expected in zip(some, others, strict=True):
            assert np.abs(expected).max() > 0.01
            np.testing.assert_allclose(state, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_every_row_begins_there() -> None:
    model = encoder()
    warm = warm_start(model, map(features, BATCHES))
    states, table = measured(model), table_of(model)
    read = numpy_weights(warm.get_layer("bilm"))
    for _ in range(2):  # no state is carried
        found = np.asarray(warm(features(BATCHES[0]))["sequence"])
        for row, ids in zip(found, BATCHES[0], strict=True):
            words = [x for x in ids if x]
            both = stacks(*read, table[[1, *words, 2]], {**states})[-1][1:-1]
            np.testing.assert_allclose(
                row[: len(words)], both, rtol=0, atol=1e-5
            )


@pytest.mark.slow
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
    # Measured again, the same: always from zeros, not from the copy's states.
    again = warm_start(loaded, map(features, BATCHES))
    np.testing.assert_allclose(
        again(features(BATCHES[0]))["sequence"], expected, rtol=0, atol=1e-6
    )
    warm.get_layer("word_embedding").embeddings.assign_add(np.ones((10, 4)))
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    with pytest.raises(ValueError, match="cannot store initial states"):
        convert.save_elmo(warm, tmp_path / "o.json", tmp_path / "w.hdf5")


def test_of_characters_and_padding() -> None:
    model = randomized(elmo_encoder([(1, 4)], 6, 4, max_characters=3))
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 262, (4, 5, 3)).astype("int32")
    ids[1, 2:] = 0
    batch = {"char_ids": ids}
    padded = {"char_ids": np.pad(ids, ((0, 0), (0, 3), (0, 0)))}
    short = warm_start(model, [batch, batch]).get_layer("bilm")
    long = warm_start(model, [padded, padded]).get_layer("bilm")
    for some, others in zip(
        short.initial_states, long.initial_states, strict=True
    ):
        for x, y in zip(some, others, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-6)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="after the first batch"):
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
