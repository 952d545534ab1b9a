"""The translator with LSTMs: beside NumPy, its encoder, its frozen words."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized
from parity.recurrent_numpy import (
    attentional_decoder,
    decoder_weights,
    lstm,
    mt_lstm,
    random_attentional_decoder,
    random_mt_lstm,
)

from keras_ctx import convert, models, training
from keras_ctx.models.cove.family import COVE_SUBWORDS

V, D, H, N = 11, 6, 3, 13
ENCODER = random_mt_lstm(D, H)
DECODER = random_attentional_decoder(5, 2 * H, 2 * H)
DRAW = np.random.default_rng(4)
MASK = np.arange(4) < np.array([[4], [2]])
TARGETS = np.arange(3) < np.array([[3], [2]])
FEATURES = {
    "word_ids": (DRAW.integers(1, V + 1, (2, 4)) * MASK).astype("int32"),
    "decoder_token_ids": DRAW.integers(0, N, (2, 3)).astype("int32"),
    "decoder_padding_mask": TARGETS,
}


def translator(**options: Any) -> keras.Model:
    return models.attentional_lstm_translator(
        models.mt_lstm_encoder(V, D, H), N, 5, **options
    )


@pytest.fixture(scope="module")
def model() -> Any:
    model = randomized(translator())
    for k in range(2):
        for direction, end in (("forward", ""), ("backward", "_reverse")):
            name = f"l{k}{end}"
            model.get_layer(f"{direction}_{k}").set_weights(
                [
                    ENCODER[f"weight_ih_{name}"].T,
                    ENCODER[f"weight_hh_{name}"].T,
                    ENCODER[f"bias_ih_{name}"] + ENCODER[f"bias_hh_{name}"],
                ]
            )
    found = decoder_weights(DECODER, 5, 2 * H)
    for weight in model.get_layer("decoder").trainable_weights:
        weight.assign(found[weight.name])
    return model


def states_of(x: np.ndarray) -> list:
    """Returns the states in which the LSTMs of a row end, by NumPy."""
    states = []
    for k, below in enumerate(mt_lstm(ENCODER, x)[:-1]):
        ends = []
        for end, step in (("", 1), ("_reverse", -1)):
            name = f"l{k}{end}"
            _, last = lstm(
                below[::step],
                ENCODER[f"weight_ih_{name}"],
                ENCODER[f"weight_hh_{name}"],
                ENCODER[f"bias_ih_{name}"].astype("float64")
                + ENCODER[f"bias_hh_{name}"],
            )
            ends.append(last)
        states.append([np.concatenate(x) for x in zip(*ends, strict=True)])
    return states


def test_logits_are_those_of_numpy(model: Any) -> None:
    found = np.asarray(model(FEATURES)["next_token"])
    (table,) = model.get_layer("word_embedding").get_weights()
    (tokens,) = model.get_layer("decoder_embeddings").get_weights()
    kernel, bias = model.get_layer("output").get_weights()
    for row in range(2):
        x = table[FEATURES["word_ids"][row][MASK[row]]]
        ids = FEATURES["decoder_token_ids"][row][TARGETS[row]]
        vectors, _ = attentional_decoder(
            *(DECODER, tokens[ids], mt_lstm(ENCODER, x)[-1], states_of(x))
        )
        np.testing.assert_allclose(
            found[row][TARGETS[row]],
            vectors @ kernel + bias,
            rtol=0,
            atol=1e-5,
        )


def test_where_it_looks(model: Any) -> None:
    found = models.cross_attention_scores(model)(FEATURES)
    (scores,) = map(np.asarray, found["cross_attention_scores"])
    (table,) = model.get_layer("word_embedding").get_weights()
    (tokens,) = model.get_layer("decoder_embeddings").get_weights()
    assert tuple(scores.shape) == (2, 1, 3, 4)
    for row in range(2):
        x = table[FEATURES["word_ids"][row][MASK[row]]]
        ids = FEATURES["decoder_token_ids"][row][TARGETS[row]]
        _, expected = attentional_decoder(
            *(DECODER, tokens[ids], mt_lstm(ENCODER, x)[-1], states_of(x))
        )
        np.testing.assert_allclose(
            scores[row, 0][TARGETS[row]][:, MASK[row]], expected, atol=1e-5
        )


def test_saved_and_its_encoder(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.saving.load_model(tmp_path / "model.keras")
    expected = model(FEATURES)["next_token"]
    np.testing.assert_array_equal(loaded(FEATURES)["next_token"], expected)
    for each in (model, loaded):
        encoder = models.encoder_of(each)
        assert models.family_of(encoder).name == "cove"
        x = {"word_ids": FEATURES["word_ids"]}
        (table,) = model.get_layer("word_embedding").get_weights()
        row = mt_lstm(ENCODER, table[x["word_ids"][0]])
        np.testing.assert_allclose(
            encoder(x)["sequence"][0], row[-1], rtol=0, atol=1e-5
        )
    models.encoder_of(loaded).save(tmp_path / "encoder.keras")
    again = convert.load_encoder(tmp_path)
    names = [x.path for x in again.trainable_weights]
    assert len(names) == 12 and not any("word_embedding" in x for x in names)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_training_changes_everything_but_the_words(optimizer: Any) -> None:
    keras.utils.set_random_seed(1)
    model = translator()
    before = {x.path: np.asarray(x) for x in model.weights}
    model.compile(
        training.lstm_translator_optimizer(optimizer),
        loss=training.causal_losses(),
    )
    weights = TARGETS / TARGETS.sum()
    targets = {"next_token": np.ones((2, 3), "int32")}
    for _ in range(3):
        model.train_on_batch(
            FEATURES, targets, {"next_token": weights.astype("float32")}
        )
    for weight in model.weights:
        same = np.array_equal(before[weight.path], np.asarray(weight))
        assert same == (weight.path == "word_embedding/embeddings"), weight.path


def test_a_table_of_subwords_is_trained() -> None:
    encoder = models.mt_lstm_encoder(V, D, H, subwords=True)
    model = models.attentional_lstm_translator(encoder, N)
    assert model.get_layer("decoder_embeddings").output_dim == D
    assert models.family_of(model) is COVE_SUBWORDS
    assert models.family_of(models.tagger(encoder, 3)) is COVE_SUBWORDS
    assert COVE_SUBWORDS.sizes(encoder) == {"vocabulary_size": V}
    assert set(models.encoder_of(model).input) == {"token_ids", "padding_mask"}
    assert len(models.encoder_of(model).trainable_weights) == 13
    ids = np.array([[3, 0, 5]], "int32")
    mask = np.array([[True, True, False]])
    found = encoder({"token_ids": ids, "padding_mask": mask})
    other = encoder({"token_ids": ids[:, :2], "padding_mask": mask[:, :2]})
    np.testing.assert_allclose(
        found["sequence"][:, :2], other["sequence"], atol=1e-6
    )


def test_errors() -> None:
    encoder = models.mt_lstm_encoder(V, D, H)
    with pytest.raises(ValueError, match="`encoder` must be a model of `mt_l"):
        models.attentional_lstm_translator(models.bert_tiny(9), N)
    with pytest.raises(ValueError, match="`vocabulary_size` must be"):
        models.attentional_lstm_translator(encoder, 0)
    with pytest.raises(ValueError, match="`embedding_dim` must be"):
        models.attentional_lstm_translator(encoder, N, 0)
    with pytest.raises(ValueError, match="`dropout` must be a rate"):
        models.attentional_lstm_translator(encoder, N, dropout=2.0)
