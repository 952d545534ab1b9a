"""A new MT-LSTM over word vectors, and the text inputs that fit it."""

import numpy as np
import pytest

from keras_ctx import convert, models, text

ROWS = np.arange(6, dtype="float32").reshape(2, 3) + 1


def test_words_unknown_words_and_padding() -> None:
    vectors = convert.WordVectors(["the", "Law"], ROWS)
    encoder, inputs = convert.mt_lstm_encoder_from(vectors, 4, max_length=3)
    found = np.asarray(encoder(inputs(["The law Law", "the"]))["layers"][0])
    expected = np.zeros((2, 3, 3))
    # "law" has no vector: "Law" is not its lower case.
    expected[0, 0], expected[0, 2], expected[1, 0] = ROWS[0], ROWS[1], ROWS[0]
    np.testing.assert_array_equal(found[..., :3], expected)
    assert found.shape == (2, 3, 8)
    assert not encoder.get_layer("word_embedding").trainable
    convert.check_text_inputs(inputs, encoder, "here", pairs=True)


def test_vectors_of_fasttext_are_those_of_whole_words() -> None:
    grams = convert.Subwords(3, 4, np.ones((20, 3), "float32"))
    vectors = convert.WordVectors(["the"], ROWS[:1], grams)
    encoder, inputs = convert.mt_lstm_encoder_from(vectors, 4)
    found = np.asarray(encoder(inputs(["the then"]))["layers"][0])
    np.testing.assert_allclose(found[0, 0, :3], vectors.vector("the"))
    assert not found[0, 1].any()


def test_other_text_inputs_are_refused() -> None:
    vectors = convert.WordVectors(["the", "law"], ROWS)
    encoder, _ = convert.mt_lstm_encoder_from(vectors, 4)
    for inputs, message in (
        (text.WordVectorInputs(["the"]), "`vocabulary_size` of the text"),
        (text.WordVectorInputs(["a", "b"], "classes"), "`num_unknown` of the"),
        (
            text.WordVectorInputs(["a", "b"], num_buckets=9),
            "`num_buckets` of the",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            convert.check_text_inputs(inputs, encoder, "here")
    words = models.word_vector_encoder(2, 3)
    convert.check_text_inputs(
        text.WordVectorInputs(["the", "law"]), words, "here"
    )


def test_a_run_without_a_translator_is_refused(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="with a translator.keras"):
        convert.load_translator(tmp_path)
