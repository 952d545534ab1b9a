"""BERTs as LiteRT files, run by LiteRT's interpreter."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import models, serving

# The interpreter of TensorFlow 2.20 works; its successor is a 60 MB package
# that nothing else here needs.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*tf.lite.Interpreter is deprecated:UserWarning"
)
ROWS, LENGTH = 90, 40


@pytest.fixture(scope="module")
def encoder() -> keras.Model:
    keras.utils.set_random_seed(5)
    return models.bert_encoder(ROWS, 2, 4, 64, 256, LENGTH)


def features_of(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    ids = np.random.default_rng(6).integers(1, ROWS, shape).astype("int32")
    ids[0, shape[1] - shape[1] // 3 :] = 0
    return {"token_ids": ids, "segment_ids": ids % 2}


def runner_of(path: Path):
    return tf.lite.Interpreter(str(path)).get_signature_runner("features")


def by_keras(model: keras.Model, features: dict) -> dict[str, np.ndarray]:
    mask = {"padding_mask": features["token_ids"] != 0}
    outputs = dict(model({**features, **mask}, training=False))
    outputs.pop("padding_mask", None)
    return {
        key: np.stack(x, axis=1) if key == "layers" else x.numpy()
        for key, x in outputs.items()
    }


@pytest.mark.slow
def test_any_batch_and_length(encoder: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "encoder.tflite"
    drift = serving.export_lite(encoder, path)
    assert path.stat().st_size < 4.3 * encoder.count_params()
    runner = runner_of(path)
    for shape in ((1, 1), (2, 9), (3, LENGTH), (2, 9)):
        features = features_of(shape)
        found = runner(**features)
        expected = by_keras(encoder, features)
        assert found.keys() == expected.keys() == drift.keys()
        for key, right in expected.items():
            np.testing.assert_allclose(found[key], right, atol=1e-5)
    card = json.loads((tmp_path / "encoder.tflite.json").read_text("utf-8"))
    assert card["drift"] == drift
    assert (card["weights"], card["signature"]) == ("float32", "features")
    assert {x.name for x in tmp_path.iterdir()} == {
        *("encoder.tflite", "encoder.tflite.json")
    }


@pytest.mark.slow
def test_int8(encoder: keras.Model, tmp_path: Path) -> None:
    model = models.embedder(encoder)
    path = tmp_path / "embedder.tflite"
    path.write_bytes(b"an older one")
    drift = serving.export_lite(model, path, weights="int8")["embedding"]
    assert path.stat().st_size < 0.45 * 4 * encoder.count_params()
    features = features_of((3, LENGTH))
    found = runner_of(path)(**features)["embedding"]
    error = np.abs(found - by_keras(model, features)["embedding"])
    # Other ids than in the check; the error is similar.
    assert 1e-5 < drift["mean"] < drift["largest"] < 0.02
    assert drift["mean"] / 3 < error.mean() < 3 * drift["mean"]


@pytest.mark.slow
def test_fixed_length(encoder: keras.Model, tmp_path: Path) -> None:
    model = models.classifier(encoder, 3, "scalar_mix")
    path = tmp_path / "classifier.tflite"
    serving.export_lite(model, path, length=16)
    runner = runner_of(path)
    for details in runner.get_input_details().values():
        assert details["shape_signature"].tolist() == [-1, 16]
        assert details["dtype"] == np.int32
    features = features_of((2, 16))
    np.testing.assert_allclose(
        runner(**features)["logits"],
        by_keras(model, features)["logits"],
        atol=1e-5,
    )


@pytest.mark.slow
def test_masked_positions(encoder: keras.Model, tmp_path: Path) -> None:
    model = models.bert_pretrainer(encoder)
    path = tmp_path / "pretrainer.tflite"
    serving.export_lite(model, path)
    features = features_of((2, 9))
    features["masked_positions"] = np.array([[1, 5], [7, 0]], "int32")
    found = runner_of(path)(**features)
    for key, right in by_keras(model, features).items():
        np.testing.assert_allclose(found[key], right, atol=1e-5)


@pytest.mark.slow
def test_too_much_drift_leaves_the_old_file(tmp_path: Path) -> None:
    # As in test_stored_weights.py: int8 keeps only two features, which the norm
    # then drops.
    model = models.bert_encoder(ROWS, 1, 2, 64, 64, 8)
    embeddings = model.get_layer("embeddings")
    table = embeddings.token_embedding.embeddings
    large = np.array([300.0, -300.0])
    table.assign(np.concatenate([np.tile(large, (ROWS, 1)), table[:, 2:]], 1))
    embeddings.norm.gamma.assign(np.where(np.arange(64) < 2, 0.0, 10000.0))
    path = tmp_path / "model.tflite"
    path.write_bytes(b"an older one")
    with pytest.raises(RuntimeError, match="must be that of the model"):
        serving.export_lite(model, path, weights="int8")
    assert path.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "bfloat16"}, "Received: weights='bfloat16'"),
        ({"length": 0}, "from 1 to 40.* Received: length=0"),
        ({"length": LENGTH + 1}, "Received: length=41"),
    ],
)
def test_refused_arguments(
    encoder: keras.Model, tmp_path: Path, arguments: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        serving.export_lite(encoder, tmp_path / "x.tflite", **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_refused_models(encoder: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    elmo = models.elmo_encoder([(1, 4)], 6, 4, max_characters=8)
    with pytest.raises(ValueError, match="must have a BERT encoder"):
        serving.export_lite(elmo, path)
    with pytest.raises(ValueError, match="must have only ops of LiteRT"):
        serving.export_lite(models.tagger(encoder, 5, crf=True), path)
    assert not list(tmp_path.iterdir())


def test_no_such_folder(encoder: keras.Model, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        serving.export_lite(models.embedder(encoder), tmp_path / "no" / "x")
