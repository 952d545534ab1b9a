"""Models and text inputs of earlier versions load, and answer the same."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ctx import text

FOLDERS = sorted((Path(__file__).parents[1] / "golden").glob("saved_*"))
MODELS = [path for folder in FOLDERS for path in folder.glob("*.keras")]
INPUTS = [
    path
    for folder in FOLDERS
    for path in folder.glob("*.json")
    if path.name != "texts.json"
]


@pytest.mark.parametrize(
    "path", MODELS, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_model_answers_as_it_did(path: Path) -> None:
    model = keras.saving.load_model(path)
    arrays = np.load(path.with_suffix(".npz"))
    features = {
        key.removeprefix("in/"): arrays[key]
        for key in arrays.files
        if key.startswith("in/")
    }
    answers = model(features)
    found = set()
    for key, answer in answers.items():
        each = answer if isinstance(answer, list) else [answer]
        for k, x in enumerate(each):
            name = f"out/{key}/{k}"
            found.add(name)
            np.testing.assert_allclose(
                np.asarray(x), arrays[name], atol=1e-5, rtol=1e-5, err_msg=name
            )
    assert found == {key for key in arrays.files if key.startswith("out/")}


def test_every_registered_class_is_in_a_saved_model() -> None:
    """Except the cell, which no file names, and classes after 0.1.0."""
    saved = ""
    for path in MODELS:
        with zipfile.ZipFile(path) as archive:
            saved += archive.read("config.json").decode()
    registered = {
        name
        for name in keras.saving.get_custom_objects()
        if name.startswith("keras_ctx>")
    }
    missing = {name for name in registered if f'"{name}"' not in saved}
    assert missing == {
        "keras_ctx>ProjectedLSTMCell",
        *("keras_ctx>BlockWithScores", "keras_ctx>StringModel"),
        "keras_ctx>TextLayer",
        *("keras_ctx>PackedTexts", "keras_ctx>TextPooling"),
        "keras_ctx>PackedSquaredError",
        *("keras_ctx>SinePositions", "keras_ctx>TokenAndPositionEmbedding"),
        "keras_ctx>TransformerDecoderBlock",
        *("keras_ctx>WeightDroppedLSTM", "keras_ctx>WordDropoutEmbedding"),
        *("keras_ctx>ActivationPenalty", "keras_ctx>LockedDropout"),
        *("keras_ctx>InverseSquareRoot", "keras_ctx>NextTokenLoss"),
        *("keras_ctx>WordTable", "keras_ctx>NegativeSampling"),
        *("keras_ctx>AttentionalLSTMDecoder", "keras_ctx>SGD"),
        *("keras_ctx>DocumentLSTM", "keras_ctx>Orthogonal"),
        *("keras_ctx>HighwayLSTM", "keras_ctx>EncoderDropout"),
        *("keras_ctx>CoSENTLoss", "keras_ctx>CosineSimilarityLoss"),
        *("keras_ctx>InBatchNegativesLoss", "keras_ctx>TripletLoss"),
        "keras_ctx>Stages",
    }


@pytest.mark.parametrize(
    "path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_text_inputs_make_the_same_features(path: Path) -> None:
    saved = json.loads((path.parent / "texts.json").read_text("utf-8"))
    features = text.load_inputs(path)(saved["texts"])
    expected = saved["features"][path.stem]
    assert expected and set(expected) <= set(features)
    for key, values in expected.items():
        np.testing.assert_array_equal(np.asarray(features[key]), values, key)
