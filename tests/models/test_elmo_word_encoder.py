"""ELMo with a word table, with distinct words, and with carried state."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from parity.elmo_numpy import Options, State, elmo, random_weights, stacks
from parity.elmo_numpy import word_ids as character_row
from parity.elmo_weights import copy_bilm, copy_char_cnn

from keras_ctx import models
from keras_ctx.text import ElmoInputs

OPTIONS = Options(
    [(1, 4), (2, 5)], 6, 3, n_highway=1, cell_clip=0.5, proj_clip=0.4
)
C = 6
WEIGHTS = random_weights(OPTIONS, char_dim=3, seed=8, scale=2.0)
NUM_WORDS = 9
# Row 0 is "no token here".
TABLE = np.random.default_rng(9).normal(
    size=(NUM_WORDS + 1, OPTIONS.projection_dim)
)
SENTENCES = [[4, 9, 3, 4], [7], [], [5, 5]]
TEXTS = ["a cat saw a dog", "dog", "", "the cat é dog dog elephant"]


def word_encoder(options: Options = OPTIONS, **arguments) -> keras.Model:
    encoder = models.elmo_word_encoder(
        NUM_WORDS,
        options.dim,
        options.projection_dim,
        options.n_layers,
        options.cell_clip,
        options.proj_clip,
        options.use_skip_connections,
        **arguments,
    )
    encoder.get_layer("word_embedding").set_weights([TABLE])
    weights = random_weights(options, char_dim=3, seed=8, scale=2.0)
    copy_bilm(weights, encoder.get_layer("bilm"))
    return encoder


def char_encoder(**arguments) -> keras.Model:
    encoder = models.elmo_encoder(
        OPTIONS.filters,
        OPTIONS.dim,
        OPTIONS.projection_dim,
        num_highways=OPTIONS.n_highway,
        char_dim=3,
        max_characters=C,
        cell_clip=OPTIONS.cell_clip,
        projection_clip=OPTIONS.proj_clip,
        **arguments,
    )
    copy_char_cnn(WEIGHTS, encoder.get_layer("char_cnn"))
    copy_bilm(WEIGHTS, encoder.get_layer("bilm"))
    return encoder


def batch_of(sentences: list[list[int]]) -> dict[str, np.ndarray]:
    longest = max(1, *map(len, sentences))
    rows = [row + [0] * (longest - len(row)) for row in sentences]
    return {"word_ids": np.array(rows, "int32")}


def numpy(outputs: dict) -> dict[str, list[np.ndarray]]:
    return {
        key: [np.asarray(x) for x in keras.tree.flatten(value)]
        for key, value in outputs.items()
    }


def assert_close(found, expected, bound: float = 1e-5) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound)


@pytest.mark.parametrize(
    ("options", "markers"),
    [
        (OPTIONS, (1, 2)),
        (OPTIONS, (8, 6)),
        (replace(OPTIONS, n_layers=3, cell_clip=None, proj_clip=None), (1, 2)),
        (replace(OPTIONS, use_skip_connections=False), (1, 2)),
        (replace(OPTIONS, n_layers=1, dim=3), (2, 1)),
    ],
)
def test_encoder_of_words_is_numpys(
    options: Options, markers: tuple[int, int]
) -> None:
    begin, end = markers
    encoder = word_encoder(options, begin_id=begin, end_id=end)
    found = numpy(encoder(batch_of(SENTENCES)))
    weights = random_weights(options, char_dim=3, seed=8, scale=2.0)
    assert len(found["layers"]) == options.n_layers + 1
    for row, sentence in enumerate(SENTENCES):
        n = len(sentence)
        tokens = TABLE[[begin, *sentence, end]]
        expected = [np.concatenate([tokens, tokens], axis=1)]
        expected += stacks(weights, options, tokens)
        for ours, theirs in zip(found["layers"], expected, strict=True):
            assert_close(ours[row, :n], theirs[1:-1])
            assert not ours[row, n:].any()
        [mask], [pooled] = found["padding_mask"], found["pooled"]
        assert mask[row].tolist() == [True] * n + [False] * (4 - n)
        assert_close(pooled[row], expected[-1][1:-1].sum(0) / max(n, 1))
    np.testing.assert_array_equal(found["sequence"][0], found["layers"][-1])


def test_names_of_the_layers_are_those_of_the_other_encoder() -> None:
    words, characters = (
        {layer.name for layer in encoder.layers}
        for encoder in (word_encoder(), char_encoder())
    )
    ours = {"sentence_markers", "bilm", "strip_0", "strip_2", "pooler"}
    assert ours <= words & characters
    assert "word_embedding" in words and "char_cnn" in characters


def test_distinct_words_are_the_encoder_on_the_same_texts() -> None:
    encoder = char_encoder()
    distinct = models.distinct_words(encoder)
    assert distinct.name == encoder.name
    expected = numpy(encoder(ElmoInputs(C)(TEXTS)))
    found = numpy(distinct(ElmoInputs(C, distinct=True)(TEXTS)))
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        for ours, theirs in zip(found[key], values, strict=True):
            assert_close(ours, theirs, 1e-6)
    assert np.abs(expected["sequence"][0]).max() > 0.1


def test_training_distinct_words_trains_the_encoder() -> None:
    encoder = char_encoder()
    distinct = models.distinct_words(encoder)
    assert {id(w) for w in distinct.trainable_variables} == {
        id(w) for w in encoder.trainable_variables
    }
    weights = encoder.trainable_variables
    gradients = []
    for model, inputs in (
        (encoder, ElmoInputs(C)(TEXTS)),
        (distinct, ElmoInputs(C, distinct=True)(TEXTS)),
    ):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(inputs)["sequence"] ** 2)
        gradients.append(tape.gradient(loss, [w.value for w in weights]))
    for weight, ours, theirs in zip(weights, *gradients, strict=True):
        assert np.abs(theirs).max() > 1e-4, weight.path
        assert_close(ours, theirs, 1e-5 * max(1, np.abs(theirs).max()))


@pytest.mark.parametrize("make", [char_encoder, word_encoder])
def test_encoder_of_a_loaded_language_model(make, tmp_path: Path) -> None:
    arguments = {"begin_id": 8, "end_id": 6} if make is word_encoder else {}
    encoder = make(**arguments)
    models.elmo_language_model(encoder, 11).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    again = models.encoder_of(loaded, name="again")
    assert again.name == "again"
    assert again.get_layer("bilm") is loaded.get_layer("bilm")
    assert [layer.name for layer in again.layers] == [
        layer.name for layer in encoder.layers
    ]
    if make is char_encoder:
        inputs = ElmoInputs(C)(TEXTS)
    else:
        inputs = batch_of(SENTENCES)
    expected, found = numpy(encoder(inputs)), numpy(again(inputs))
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        for ours, theirs in zip(found[key], values, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_stateful_encoder_over_batches_of_different_sizes() -> None:
    encoder = char_encoder(stateful=True, max_batch_size=3)
    batches = [["a cat", "dog", ""], ["", "the cat saw"], ["é", "a dog", "b c"]]
    states: list[State] = [{}, {}, {}]
    outputs: list = []
    for repeat in range(2):
        for batch in batches:
            outputs = encoder(ElmoInputs(C)(batch))["layers"]
            for row, text in enumerate(batch):
                ids = np.array([character_row(w, C) for w in text.split()])
                ids = ids.reshape(-1, C).astype("int32")
                # Row 2 is not in the second batch.
                expected = elmo(WEIGHTS, OPTIONS, ids, states[row])
                for ours, theirs in zip(outputs, expected, strict=True):
                    assert_close(ours[row, : len(ids)], theirs)
        if repeat == 0:
            # The carried state makes a difference.
            fresh = char_encoder()(ElmoInputs(C)(batches[2]))["sequence"]
            assert np.abs(fresh - outputs[-1]).max() > 1e-2
            encoder.get_layer("bilm").reset_state()
            states = [{}, {}, {}]


def test_batch_larger_than_the_state_is_refused() -> None:
    encoder = word_encoder(stateful=True, max_batch_size=2)
    with pytest.raises(ValueError, match="`max_batch_size=2`.*a batch of 4"):
        encoder(batch_of(SENTENCES))


ERRORS = {
    "`vocabulary_size` must be .* vocabulary_size=0": {"vocabulary_size": 0},
    "`hidden_dim` must be .* hidden_dim=0": {"hidden_dim": 0},
    "`projection_dim` must be .* projection_dim=-1": {"projection_dim": -1},
    "`num_layers` must be .* num_layers=0": {"num_layers": 0},
    "`begin_id` must be .* begin_id=0": {"begin_id": 0},
    "`end_id` must be .* end_id=-3": {"end_id": -3},
    "`cell_clip` must be .* cell_clip=0": {"cell_clip": 0},
    "`projection_clip` must be .* projection_clip=-1": {"projection_clip": -1},
    "`dropout` must be a rate .* dropout=1.0": {"dropout": 1.0},
    "`max_batch_size` must be .* max_batch_size=0": {"max_batch_size": 0},
}


@pytest.mark.parametrize("message", ERRORS)
def test_error_of_encoder_of_words(message: str) -> None:
    sizes = {"vocabulary_size": 9, "hidden_dim": 6, "projection_dim": 3}
    with pytest.raises(ValueError, match=message):
        models.elmo_word_encoder(**{**sizes, **ERRORS[message]})


def test_error_of_distinct_words_of_a_table() -> None:
    message = r"`encoder` must be a model of `elmo_encoder`.*\['word_ids'\]"
    with pytest.raises(ValueError, match=message):
        models.distinct_words(word_encoder())
