"""Vectors of a frozen encoder that are stored for a run."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized

from keras_ctx import fine_tuning, models, text

SENTENCES = [["a", "b", "c", "ba"], ["b"], ["a", "b"], [], ["b"]]


def encoder_and_inputs(subwords: bool):
    words = models.word_vector_encoder(2, 4)
    if subwords:
        context = models.bert_encoder(9, 1, 2, 8, 12, max_length=5)
        pieces = [*text.SPECIAL_TOKENS, "a", "b", "##a", "c"]
        inputs = text.BertInputs(pieces, 5)
    else:
        context = models.elmo_encoder([(1, 4)], 6, 3, max_characters=5)
        inputs = text.ElmoInputs(5)
    encoder = models.recurrent_encoder(
        words, 3, context=context, context_mix="scalar_mix", dropout=0.0
    )
    of_words = text.WordVectorInputs(["a", "b"])
    return randomized(encoder), text.ContextInputs(of_words, inputs)


@pytest.mark.parametrize("subwords", [False, True])
def test_equal_to_running_the_encoder(subwords: bool) -> None:
    encoder, inputs = encoder_and_inputs(subwords)
    stored = fine_tuning.StoredContext(encoder, inputs, SENTENCES, False)
    rows = tf.ragged.constant(SENTENCES)
    features = stored.text_inputs(rows)
    assert "context_layer_1" in features
    assert not [x for x in features if x.endswith("_ids") and "context" in x]
    found, expected = stored.encoder(features), encoder(inputs(rows))
    for x, y in zip(
        keras.tree.flatten(found), keras.tree.flatten(expected), strict=True
    ):
        np.testing.assert_allclose(
            np.asarray(x, "float32"), np.asarray(y, "float32"), atol=1e-6
        )


@pytest.mark.slow
def test_training_one_trains_the_other() -> None:
    encoder, inputs = encoder_and_inputs(False)
    stored = fine_tuning.StoredContext(encoder, inputs, SENTENCES, False)
    model = models.classifier(stored.encoder, 2, dropout=0.0)
    model.compile(
        keras.optimizers.Adam(0.1),
        keras.losses.SparseCategoricalCrossentropy(True),
    )
    rows = tf.ragged.constant(SENTENCES)
    targets = {"logits": np.array([0, 1, 1, 0, 1])}
    model.fit(stored.text_inputs(rows), targets, epochs=3, verbose=0)
    whole = stored.whole(
        model, lambda: models.classifier(encoder, 2, dropout=0.0)
    )
    assert "context_char_ids" in whole.input
    np.testing.assert_allclose(
        whole(inputs(rows))["logits"],
        model(stored.text_inputs(rows))["logits"],
        atol=1e-6,
    )


def test_another_sentence_is_refused() -> None:
    stored = fine_tuning.StoredContext(
        *encoder_and_inputs(False), SENTENCES, False
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="not stored"):
        stored.text_inputs(tf.ragged.constant([["b", "b"]]))


def test_an_encoder_without_context_is_refused() -> None:
    with pytest.raises(ValueError, match="with a `context`"):
        models.from_context_vectors(models.bert_tiny(9))
