"""Taggers with LSTMs between the encoder and the scores."""

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import models, training

LENGTHS = (5, 2, 1)
IDS = np.array([[2, 7, 5, 6, 3], [2, 3, 0, 0, 0], [4, 0, 0, 0, 0]], "int32")
REAL = IDS > 0
FEATURES = {"token_ids": IDS, "segment_ids": 0 * IDS, "padding_mask": REAL}
TAGS = np.array([[0, 1, 2, 1, 0], [2, 1, 0, 0, 0], [1, 0, 0, 0, 0]], "int32")
WEIGHTS = (REAL / REAL.sum()).astype("float32")


def encoder(num_layers: int = 3) -> keras.Model:
    return randomized(models.bert_encoder(9, num_layers, 2, 6, 8, 8))


def paper_tagger(**arguments) -> keras.Model:
    """Returns the paper's feature-based tagger, with a CRF."""
    return models.tagger(
        encoder(),
        3,
        "concat_last_4",
        **{"frozen": True, "crf": True, "lstm_dim": 4, **arguments},
    )


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def numpy_lstm(x: np.ndarray, kernel, recurrent, bias) -> np.ndarray:
    """Runs one sentence; gates in Keras's order: input, forget, cell,
    output."""
    h = c = np.zeros(recurrent.shape[0])
    outputs = []
    for step in x:
        i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs)


def test_scores_are_those_of_numpy() -> None:
    base = encoder()
    model = randomized(models.tagger(base, 3, lstm_dim=4, lstm_layers=2))
    found = np.asarray(model(FEATURES)["logits"])
    sequence = np.asarray(base(FEATURES)["sequence"])
    kernel, bias = model.get_layer("logits").get_weights()
    for row, length in enumerate(LENGTHS):
        x = sequence[row, :length]
        for name in ("lstm_0", "lstm_1"):
            weights = model.get_layer(name).get_weights()
            forward = numpy_lstm(x, *weights[:3])
            backward = numpy_lstm(x[::-1], *weights[3:])[::-1]
            x = np.concatenate([forward, backward], -1)
        np.testing.assert_allclose(
            found[row, :length], x @ kernel + bias, rtol=0, atol=1e-5
        )


def test_layers_have_documented_names_and_the_encoder_rests() -> None:
    model = paper_tagger()
    assert {w.path.split("/")[0] for w in model.trainable_weights} == {
        *("lstm_0", "lstm_1", "logits", "crf")
    }
    # Four layers of six features are read.
    kernel = model.get_layer("lstm_0").get_weights()[0]
    assert kernel.shape == (4 * 6, 4 * 4)
    free = models.tagger(encoder(), 3, lstm_dim=4, lstm_layers=1)
    names = {w.path.split("/")[0] for w in free.trainable_weights}
    assert {"block_0", "lstm_0"} < names and "lstm_1" not in names


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_learns_and_goes_on_from_its_file(policy: str, tmp_path) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = paper_tagger(dropout=0.0, lstm_layers=1)
    finally:
        keras.config.set_dtype_policy(before)
    model.compile(
        training.bert_optimizer(0.05, 100),
        loss={"logits": training.CRFLoss()},
        jit_compile=False,
    )
    batch = (FEATURES, {"logits": TAGS}, {"logits": WEIGHTS})
    losses = [float(model.train_on_batch(*batch)) for _ in range(60)]
    # train_on_batch returns the mean of all losses so far; the last is low.
    assert losses[-1] < 0.4 * losses[0]
    tags = model.predict_on_batch(FEATURES)["tags"]
    np.testing.assert_array_equal(tags[REAL], TAGS[REAL])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    outputs = model.predict_on_batch(FEATURES)
    for key, value in loaded.predict_on_batch(FEATURES).items():
        np.testing.assert_array_equal(value, outputs[key])
    for each in (model, loaded):
        each.train_on_batch(*batch)
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
