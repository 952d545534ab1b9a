"""The MT-LSTM: its layers beside NumPy, its frozen table, its options."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from parity.recurrent_numpy import mt_lstm, random_mt_lstm

from keras_ctx import convert, models

V, D, H = 11, 6, 4
ARRAYS = random_mt_lstm(D, H)
GENERATOR = np.random.default_rng(2)
TABLE = GENERATOR.normal(size=(V + 1, D)).astype("float32")
LENGTHS = (5, 2, 0)
MASK = np.arange(5) < np.array(LENGTHS)[:, None]
IDS = (GENERATOR.integers(1, V + 1, (3, 5)) * MASK).astype("int32")


def encoder(**arguments: Any) -> keras.Model:
    model = models.mt_lstm_encoder(V, D, H, **arguments)
    model.get_layer("word_embedding").set_weights([TABLE])
    for k in range(2):
        for direction, end in (("forward", ""), ("backward", "_reverse")):
            name = f"l{k}{end}"
            model.get_layer(f"{direction}_{k}").set_weights(
                [
                    ARRAYS[f"weight_ih_{name}"].T,
                    ARRAYS[f"weight_hh_{name}"].T,
                    ARRAYS[f"bias_ih_{name}"] + ARRAYS[f"bias_hh_{name}"],
                ]
            )
    return model


def test_layers_are_those_of_numpy() -> None:
    outputs = encoder()({"word_ids": IDS})
    for row, length in enumerate(LENGTHS):
        expected = mt_lstm(ARRAYS, TABLE[IDS[row, :length]])
        for ours, theirs in zip(outputs["layers"], expected, strict=True):
            ours, width = np.asarray(ours[row]), theirs.shape[1]
            np.testing.assert_allclose(
                ours[:length, :width], theirs, rtol=0, atol=1e-5
            )
            # The word vectors have fewer features than the layers.
            assert ours.shape == (5, 2 * H)
            assert not ours[length:].any() and not ours[:, width:].any()
        mean = expected[-1].sum(axis=0) / max(length, 1)
        np.testing.assert_allclose(
            outputs["pooled"][row], mean, rtol=0, atol=1e-5
        )
    np.testing.assert_array_equal(outputs["sequence"], outputs["layers"][2])


@pytest.mark.parametrize("layer0", [False, True])
@pytest.mark.parametrize("residual", [False, True])
def test_joined_as_the_original_does(layer0: bool, residual: bool) -> None:
    model = encoder(layer0=layer0, residual_embeddings=residual)
    outputs = model({"word_ids": IDS})
    words, first, second = (np.asarray(x) for x in outputs["layers"])
    expected = [
        *([words[..., :D]] if residual else []),
        *([first] if layer0 else []),
        second,
    ]
    expected = np.concatenate(expected, axis=-1)
    np.testing.assert_array_equal(outputs["sequence"], expected)
    again = models.encoder_of(models.tagger(model, 3))({"word_ids": IDS})
    np.testing.assert_array_equal(again["sequence"], expected)
    assert again["pooled"].shape == (3, expected.shape[-1])


def test_table_of_words_stays_frozen(tmp_path: Path) -> None:
    model = models.classifier(encoder(), 3)
    frozen = models.classifier(encoder(), 3, frozen=True)
    table = "word_embedding/embeddings"
    assert len(model.trainable_weights) == 14
    assert len(frozen.trainable_weights) == 2
    for name, x in (("model", model), ("frozen", frozen)):
        (tmp_path / name).mkdir()
        x.save(tmp_path / name / "model.keras")
        loaded = convert.load_encoder(tmp_path / name)
        trainable = [w.path for w in loaded.trainable_weights]
        assert len(trainable) == 12 and table not in trainable
    # Unless it was unfrozen.
    model.layers[1].get_layer("word_embedding").trainable = True
    (tmp_path / "thawed").mkdir()
    model.save(tmp_path / "thawed" / "model.keras")
    loaded = convert.load_encoder(tmp_path / "thawed")
    assert table in [w.path for w in loaded.trainable_weights]


def test_initial_values_are_those_of_the_paper() -> None:
    model = models.mt_lstm_encoder(50, 20, 10)
    for k in range(2):
        for direction in ("forward", "backward"):
            for x in model.get_layer(f"{direction}_{k}").get_weights():
                assert 0.06 < np.abs(x).max() <= 0.1
    (table,) = model.get_layer("word_embedding").get_weights()
    assert 0.3 < table.std() < 0.5


def test_errors() -> None:
    for name in ("vocabulary_size", "embedding_dim", "num_layers"):
        sizes: dict[str, Any] = {"vocabulary_size": V, name: 0}
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
            models.mt_lstm_encoder(**sizes)
    with pytest.raises(ValueError, match="`dropout` must be a rate"):
        models.mt_lstm_encoder(V, dropout=1.0)
