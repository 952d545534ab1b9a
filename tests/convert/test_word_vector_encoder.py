"""An encoder and text inputs made from word vectors."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from word_vector_files import (
    ROWS,
    WORDS,
    D,
    expected_vector,
    fasttext_of,
    write,
)

from keras_ctx import convert, models, text, training
from keras_ctx.convert import WordVectors, word_vector_encoder_from

PLAIN = WordVectors(WORDS, ROWS)
TEXTS = ["the 日本 unknown", "", "x", "Überraschung </s> a-b THE"]
STRATEGIES = ["token", "hash", "classes", "characters", "fastText"]


def fasttext(tmp_path: Path, **settings) -> WordVectors:
    path = write(tmp_path / "a.bin", fasttext_of(**settings))
    return convert.load_word_vectors(path)


def made(strategy: str, tmp_path: Path, **settings):
    """Returns an encoder and text inputs with a strategy."""
    if strategy == "fastText":
        return word_vector_encoder_from(fasttext(tmp_path), **settings)
    return word_vector_encoder_from(PLAIN, strategy, **settings)


def vectors(pair, words: str) -> np.ndarray:
    """Returns the vectors `(T, D)` of a text."""
    encoder, inputs = pair
    return np.asarray(encoder(inputs([words]))["sequence"])[0]


@pytest.mark.parametrize("strategy", STRATEGIES[:4])
def test_known_words_have_their_rows(strategy: str, tmp_path: Path) -> None:
    pair = made(strategy, tmp_path)
    found = vectors(pair, " ".join(WORDS))
    np.testing.assert_array_equal(found[:, :D], ROWS)
    assert found.shape[1] == (D + 50 if strategy == "characters" else D)
    assert not pair[0].get_layer("word_table").trainable_weights


def test_unknown_words_of_each_strategy(tmp_path: Path) -> None:
    words = "foo bar foo 12 34 Foo"
    token = vectors(made("token", tmp_path), words)
    assert len(np.unique(token, axis=0)) == 1
    hashed = vectors(made("hash", tmp_path), words)
    # The same word has the same vector, others have others.
    assert len(np.unique(hashed, axis=0)) == 5
    np.testing.assert_array_equal(hashed[0], hashed[2])
    classes = vectors(made("classes", tmp_path), words)
    assert [
        (classes == x).all(axis=1).tolist() for x in classes[[0, 3, 5]]
    ] == [
        [True, True, True, False, False, False],
        [False, False, False, True, True, False],
        [False, False, False, False, False, True],
    ]
    characters = vectors(made("characters", tmp_path), words)
    assert len(np.unique(characters[:, :D], axis=0)) == 1
    assert len(np.unique(characters, axis=0)) == 5


def test_random_rows_are_like_those_of_the_table() -> None:
    rows = np.random.default_rng(0).normal(0.1, 0.4, (50, 40)).astype("f4")
    given = WordVectors([f"w{i}" for i in range(50)], rows)
    encoder, inputs = word_vector_encoder_from(given, "hash", 200)
    table = np.asarray(encoder.get_layer("word_table").get_weights()[0])
    assert table.shape == (251, 40) and not table[0].any()
    assert abs(table[1:201].std() / rows.std() - 1) < 0.03
    np.testing.assert_array_equal(table[201:], rows)
    again, _ = word_vector_encoder_from(given, "hash", 200)
    other, _ = word_vector_encoder_from(given, "hash", 200, seed=1)
    np.testing.assert_array_equal(again.get_weights()[0], table)
    assert not np.array_equal(other.get_weights()[0], table)
    assert inputs.num_unknown == 200


@pytest.mark.parametrize("version", [12, None])
def test_vectors_are_those_of_fasttext(
    version: int | None, tmp_path: Path
) -> None:
    given = fasttext(tmp_path, version=version)
    pair = word_vector_encoder_from(given)
    words = [*WORDS, "unknown", "naïve", "日", "𝔘x", "THE"]
    expected = [
        expected_vector(word, first_rules=version is None) for word in words
    ]
    found = vectors(pair, " ".join(words))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        found, [given.vector(x) for x in words], rtol=0, atol=1e-6
    )
    # An empty word has "<>" only.
    alone = np.asarray(pair[0](pair[1]([[""]]))["sequence"])[0]
    np.testing.assert_allclose(
        alone,
        [expected_vector("", first_rules=version is None)],
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.slow
def test_vectors_of_fasttext_in_a_saved_model(tmp_path: Path) -> None:
    encoder, inputs = made("fastText", tmp_path)

    class Served(tf.Module):
        def __init__(self) -> None:
            self.tracked = [encoder, *inputs.tables]

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def __call__(self, texts: tf.Tensor) -> tf.Tensor:
            return encoder(inputs(texts))["sequence"]

    tf.saved_model.save(Served(), str(tmp_path / "saved"))
    words = [*WORDS, "unknown", "naïve", "日", "THE"]
    found = tf.saved_model.load(str(tmp_path / "saved"))(tf.constant(words))
    expected = [expected_vector(word) for word in words]
    np.testing.assert_allclose(found[:, 0], expected, rtol=0, atol=1e-6)


def test_lower_case_and_fasttext_with_characters(tmp_path: Path) -> None:
    given = fasttext(tmp_path)
    pair = word_vector_encoder_from(
        given, "characters", lower_case_fallback=True, char_output_dim=4
    )
    the, upper = vectors(pair, "the THE")
    assert the.shape == (D + 4,)
    np.testing.assert_array_equal(the[:D], upper[:D])
    assert not np.array_equal(the[D:], upper[D:])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_folder_is_loaded(strategy: str, tmp_path: Path) -> None:
    encoder, inputs = made(strategy, tmp_path, max_length=9)
    training.save_model(encoder, tmp_path / "run" / "encoder.keras")
    text.save_inputs(inputs, tmp_path / "run" / "text_inputs.json")
    loaded = convert.load_encoder(tmp_path / "run")
    again = convert.load_text_inputs(tmp_path / "run", max_length=3)
    assert again.max_length == 3
    again = convert.load_text_inputs(tmp_path / "run")
    assert again.get_config() == inputs.get_config()
    convert.check_text_inputs(again, loaded, tmp_path, pairs=True)
    assert models.family_of(loaded).name == "word_vectors"
    expected = encoder(inputs(TEXTS))
    for key, value in loaded(again(TEXTS)).items():
        for one, other in zip(
            keras.tree.flatten(value),
            keras.tree.flatten(expected[key]),
            strict=True,
        ):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert not loaded.get_layer("word_table").trainable_weights


def test_other_text_inputs_are_refused(tmp_path: Path) -> None:
    encoder, _ = word_vector_encoder_from(PLAIN)
    words = text.WordInputs(["<S>", "</S>", "<UNK>", "a"])
    with pytest.raises(
        ValueError, match=r"a table of word vectors .*WordInputs\) give the"
    ):
        convert.check_text_inputs(words, encoder, tmp_path)
    other = text.WordVectorInputs(WORDS, "hash", 3)
    with pytest.raises(ValueError, match="`num_unknown` .*3 in the text .* 1"):
        convert.check_text_inputs(other, encoder, tmp_path)
    elmo = models.elmo_word_encoder(9, 6, 4)
    with pytest.raises(ValueError, match="the word ids of an ELMo"):
        convert.check_text_inputs(other, elmo, tmp_path)


def test_padding_and_pooled(tmp_path: Path) -> None:
    encoder, inputs = made("fastText", tmp_path)
    features = {k: v.numpy() for k, v in inputs(TEXTS).items()}
    outputs = encoder(features)
    assert len(outputs["layers"]) == 1
    sequence = np.asarray(outputs["sequence"])
    mask = np.asarray(outputs["padding_mask"])
    assert mask.sum(axis=1).tolist() == [3, 0, 1, 4]
    assert not sequence[~mask].any()
    for row, real in enumerate(mask.sum(axis=1)):
        mean = sequence[row, :real].mean(axis=0) if real else np.zeros(D)
        np.testing.assert_allclose(
            np.asarray(outputs["pooled"])[row], mean, atol=1e-6
        )


@pytest.mark.parametrize("trainable", [False, True])
def test_a_table_learns_if_it_may(trainable: bool, tmp_path: Path) -> None:
    for strategy in ("hash", "fastText"):
        encoder, inputs = made(strategy, tmp_path, trainable=trainable)
        model = models.classifier(encoder, 2)
        model.compile("sgd", "mse")
        before = [x.copy() for x in encoder.get_weights()]
        rows = tf.data.Dataset.from_tensors(
            (inputs(TEXTS), {"logits": np.ones((4, 2))})
        )
        model.fit(rows, verbose=0, shuffle=False)
        for old, new in zip(before, encoder.get_weights(), strict=True):
            assert np.array_equal(old, new) != trainable


def test_words_that_no_text_has(tmp_path: Path) -> None:
    path = write(
        tmp_path / "b.bin",
        fasttext_of(words=("the", b"\xe9", "x"), rows=ROWS[:3]),
    )
    given = convert.load_word_vectors(path, errors="surrogateescape")
    with pytest.warns(UserWarning, match=r"1 of 3 words .*udce9.* left out"):
        pair = word_vector_encoder_from(given)
    assert pair[1].vocabulary == ("the", "x")
    found = vectors(pair, "the x é")
    expected = [
        expected_vector(word, words=("the", "", "x"), rows=ROWS[:3])
        for word in ("the", "x", "é")
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_the_encoder_of_a_task_model(tmp_path: Path) -> None:
    encoder, inputs = made("characters", tmp_path)
    model = models.tagger(encoder, 3, crf=True)
    training.save_model(model, tmp_path / "model.keras")
    inside = models.encoder_of(
        keras.saving.load_model(tmp_path / "model.keras")
    )
    assert inside.name == "word_vector_encoder"
    np.testing.assert_array_equal(
        inside(inputs(TEXTS))["sequence"], encoder(inputs(TEXTS))["sequence"]
    )
    rates = training.layer_rates(models.classifier(encoder, 2), decay=0.5)
    assert {
        rate for path, (rate, _) in rates.items() if "char_cnn" in path
    } == {0.5}
