"""Documents in windows, beside the equations of an LSTM."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers, models

V, E, H, WINDOW = 11, 4, (6, 4), 3


def reader(num_windows: int, **rates: float) -> Any:
    keras.utils.set_random_seed(3)
    rates = {"weight_dropout": 0.0, "word_dropout": 0.0, **rates}
    rates = {"input_dropout": 0.0, "hidden_dropout": 0.0, **rates}
    layer = layers.DocumentLSTM(
        *(V, E, H), bptt=WINDOW, num_windows=num_windows, **rates
    )
    layer.build((None, None), (None, None))
    draw = np.random.default_rng(0)
    for weight in layer.trainable_weights:
        weight.assign(draw.normal(0, 0.7, weight.shape))
    return layer


def rows(*lengths: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns ids and mask, with padding behind the tokens."""
    ids = np.random.default_rng(1).integers(0, V, (len(lengths), max(lengths)))
    return ids, np.arange(max(lengths)) < np.array(lengths)[:, None]


def by_hand(layer: Any, ids: list[int], num_windows: int) -> tf.Tensor:
    """Returns the last LSTM's outputs in the last windows of one document.

    It is the equations of an LSTM, with a stop between windows.
    """
    x = tf.gather(layer.embeddings.token_embedding.embeddings.value, ids)
    x = x[:, None]  # (T, 1, D)
    for part in layer.lstms:
        h = c = tf.zeros((1, part.hidden_dim))
        outputs = []
        for k in range(len(ids)):
            if k % WINDOW == 0:
                h, c = tf.stop_gradient(h), tf.stop_gradient(c)
            z = x[k] @ part.kernel.value + h @ part.recurrent_kernel.value
            i, f, g, o = tf.split(z + part.bias.value, 4, axis=-1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            outputs.append(h)
        x = tf.stack(outputs)
    windows = -(-len(ids) // WINDOW)
    return x[max(windows - num_windows, 0) * WINDOW :, 0]


@pytest.mark.quick("2")
@pytest.mark.parametrize("num_windows", [1, 2, 4])
def test_outputs_and_gradients(num_windows: int) -> None:
    layer = reader(num_windows)
    lengths = (11, 3, 7, 1, 6)
    ids, mask = rows(*lengths)
    weights = layer.trainable_weights
    draw = np.random.default_rng(2).normal(size=(len(lengths), 12, H[-1]))
    directions = tf.constant(draw, "float32")

    def ours() -> tuple[list, list]:
        with tf.GradientTape() as tape:
            *_, y, kept = layer(ids, mask)
            y = [tf.boolean_mask(y[k], kept[k]) for k in range(len(lengths))]
            loss: Any = sum(
                tf.reduce_sum(x * directions[k, : tf.shape(x)[0]])
                for k, x in enumerate(y)
            )
        found = tape.gradient(loss, [x.value for x in weights])
        return y, list(map(tf.convert_to_tensor, found))

    with tf.GradientTape() as tape:
        expected = [
            by_hand(layer, ids[k, :length].tolist(), num_windows)
            for k, length in enumerate(lengths)
        ]
        loss: Any = sum(
            tf.reduce_sum(x * directions[k, : tf.shape(x)[0]])
            for k, x in enumerate(expected)
        )
    gradients = tape.gradient(loss, [x.value for x in weights])
    for y, found in (ours(), tf.function(ours)()):
        for x, wanted in zip(y, expected, strict=True):
            np.testing.assert_allclose(x, wanted, atol=1e-6)
        for weight, x, wanted in zip(weights, found, gradients, strict=True):
            wanted = tf.convert_to_tensor(wanted)
            assert np.abs(wanted).max() > 1e-2, weight.path
            # Sums over tens of tokens in another order.
            np.testing.assert_allclose(x, wanted, atol=2e-5, rtol=1e-5)


def test_a_short_text_is_as_by_the_encoder() -> None:
    encoder = models.awd_lstm_encoder(V, E, 6, 2)
    documents = models.awd_lstm_document_encoder(encoder, WINDOW, 3)
    ids, mask = rows(9, 4, 1)
    features = {"token_ids": ids, "padding_mask": mask}
    expected, found = encoder(features), documents(features)
    np.testing.assert_array_equal(found["padding_mask"], mask)
    for key in ("sequence", "pooled"):
        np.testing.assert_allclose(found[key], expected[key], atol=1e-6)
    for x, wanted in zip(found["layers"], expected["layers"], strict=True):
        x, wanted = np.asarray(x)[mask], np.asarray(wanted)[mask]
        np.testing.assert_allclose(x, wanted, atol=1e-6)
    # A longer one ends in the same state.
    short = models.awd_lstm_document_encoder(encoder, WINDOW, 1)(features)
    np.testing.assert_allclose(short["pooled"], expected["pooled"], atol=1e-6)
    last = [
        mask[k].nonzero()[0][-(n % WINDOW or WINDOW) :]
        for k, n in enumerate((9, 4, 1))
    ]
    for k, places in enumerate(last):
        np.testing.assert_allclose(
            short["sequence"][k, : len(places)],
            expected["sequence"].numpy()[k, places],
            atol=1e-6,
        )


def test_padding_may_be_anywhere() -> None:
    layer = reader(2)
    ids, mask = rows(8, 5)
    expected = layer(ids, mask)
    places = [np.array([1, 2, 4, 5, 7, 8, 9, 10]), np.array([3, 4, 6, 9, 10])]
    wide, real = np.full((2, 12), 3), np.zeros((2, 12), bool)
    for k, of_row in enumerate(places):
        wide[k, of_row] = ids[k, : len(of_row)]
        real[k, of_row] = True
    for x, wanted in zip(layer(wide, real), expected, strict=True):
        np.testing.assert_allclose(x, wanted, atol=1e-6)


def test_dropout_only_in_what_is_kept() -> None:
    layer = reader(1, input_dropout=0.5, weight_dropout=0.5)
    ids, mask = rows(10)
    *_, plain, _ = layer(ids, mask, training=False)
    *_, dropped, _ = layer(ids, mask, training=True)
    assert np.abs(dropped - plain).max() > 1e-3


def test_encoder_of_is_the_one_of_all_tokens(tmp_path: Path) -> None:
    encoder = models.awd_lstm_encoder(V, E, 6, 2)
    model = models.classifier(
        models.awd_lstm_document_encoder(encoder, WINDOW, 1), 2
    )
    again = models.encoder_of(model)
    ids, mask = rows(9, 4)
    features = {"token_ids": ids, "padding_mask": mask}
    np.testing.assert_array_equal(
        again(features)["sequence"], encoder(features)["sequence"]
    )
    # The same weights, not copies: an export would store them twice.
    assert {x.path for x in again.weights} < {x.path for x in model.weights}
    model.get_layer("awd_lstm_document_encoder").set_weights(
        [x + 0.1 for x in encoder.get_weights()]
    )
    encoder.set_weights([x + 0.1 for x in encoder.get_weights()])
    np.testing.assert_array_equal(
        again(features)["sequence"], encoder(features)["sequence"]
    )
    path = tmp_path / "encoder.keras"
    again.save(path)
    loaded = keras.saving.load_model(path)
    np.testing.assert_array_equal(
        loaded(features)["sequence"], encoder(features)["sequence"]
    )


def test_refusals() -> None:
    encoder = models.awd_lstm_encoder(V, E, 6, 2)
    documents = models.awd_lstm_document_encoder(encoder)
    for make in (
        lambda: models.tagger(documents, 2),
        lambda: models.span_extractor(documents),
    ):
        with pytest.raises(ValueError, match="must return all tokens"):
            make()
    for other in (documents, models.bert_encoder(9, 1, 2, 4, 8, 6)):
        with pytest.raises(ValueError, match="`encoder` must be a model of"):
            models.awd_lstm_document_encoder(other)
    stateful = models.awd_lstm_encoder(V, E, 6, 2, stateful=True)
    with pytest.raises(ValueError, match="without carried states"):
        models.awd_lstm_document_encoder(stateful)
    with pytest.raises(ValueError, match="`num_windows` must be at least 1"):
        models.awd_lstm_document_encoder(encoder, 70, 0)
    with pytest.raises(ValueError, match="`hidden_dims` must be at least 1"):
        layers.DocumentLSTM(V, E, [])
