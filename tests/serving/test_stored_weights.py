"""Exports that store kernels and tables in fewer bits."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ctx import models, serving
from keras_ctx.serving.export.saved_model import CHECK_TEXTS
from keras_ctx.serving.signatures.model_outputs import ModelOutputs
from keras_ctx.serving.weights.quantization_error import measured_drift
from keras_ctx.serving.weights.quantized import StoredWeights
from keras_ctx.text import BertInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LENGTH = 24
# Smaller weights stay unchanged.
FEW = 1024


def in_bfloat16(array: np.ndarray) -> np.ndarray:
    """Returns the upper half of float32 bits, rounded half to even."""
    bits = array.view("uint32").astype("uint64")
    bits += 0x7FFF + (bits >> 16 & 1)
    return (bits & 0xFFFF0000).astype("uint32").view("float32")


def in_int8(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Rounds to 127 steps from 0 to the largest number along `axes`."""
    step = np.abs(array).max(axis=axes, keepdims=True) / np.float32(127)
    return np.round(array / np.where(step == 0, 1, step)) * step


def rounded(weight: keras.Variable, weights: str) -> np.ndarray:
    """Returns the expected weight in the graph, by NumPy."""
    array = weight.numpy()
    is_table = "embeddings" in weight.path.split("/")[-1]
    if array.size < FEW or not (is_table or "kernel" in weight.path):
        return array
    if weights == "bfloat16":
        return in_bfloat16(array)
    if is_table:
        axes = (1,)
    elif weight.path.split("/")[-2] in ("query", "key", "value"):
        axes = (0,)  # (D, H, D/H): to H * D/H channels
    else:
        axes = tuple(range(array.ndim - 1))
    return in_int8(array, axes)


def bert() -> tuple[keras.Model, dict]:
    encoder = models.bert_encoder(90, 1, 4, 64, 128, LENGTH)
    ids = np.arange(22, dtype="int32").reshape(2, 11) % 90
    features = {
        "token_ids": ids,
        "segment_ids": ids % 2,
        "padding_mask": ids != 0,
    }
    return models.tagger(encoder, 5, crf=True, lstm_dim=32), features


def elmo() -> tuple[keras.Model, dict]:
    encoder = models.elmo_encoder([(1, 32), (2, 64)], 64, 32, max_characters=8)
    ids = np.arange(48, dtype="int32").reshape(2, 3, 8) * 5 % 262
    return models.classifier(encoder, 3, "scalar_mix"), {"char_ids": ids}


@pytest.mark.quick("*-int8")
@pytest.mark.parametrize("weights", ["bfloat16", "int8"])
@pytest.mark.parametrize(
    "made", [bert, pytest.param(elmo, marks=pytest.mark.slow)]
)
def test_graph_computes_with_the_rounded_weights(
    made: Callable[[], tuple[keras.Model, dict]], weights: str
) -> None:
    keras.utils.set_random_seed(3)
    model, features = made()
    before = model.get_weights()
    outputs = ModelOutputs(model, StoredWeights(model, weights))
    graph = outputs._traced(features)
    for weight, array in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, array)  # the model is unchanged

    expected = [rounded(weight, weights) for weight in model.weights]
    pairs = zip(expected, before, strict=True)
    assert sum(not np.array_equal(x, y) for x, y in pairs) >= 9
    model.set_weights(expected)
    for key, right in model(features, training=False).items():
        if key != "padding_mask":
            np.testing.assert_allclose(graph[key], right, atol=1e-5, rtol=1e-5)


def test_error_of_int8_is_half_a_step_at_most() -> None:
    model, _ = bert()
    names = {weight.path: weight for weight in model.weights}
    table = names["embeddings/token_embedding/embeddings"]
    table.assign(table * np.linspace(0, 9, 90)[:, None])  # rows of many scales
    stored = StoredWeights(model, "int8")
    values = {path: weight.numpy() for path, weight in names.items()}
    with stored.scope():
        for path, axis in (
            ("embeddings/token_embedding/embeddings", 1),
            ("block_0/intermediate/kernel", 0),
            ("block_0/attention/key/kernel", 0),
            ("block_0/attention/attention_output/kernel", (0, 1)),
        ):
            served = names[path].value.numpy()
            exact = values[path]
            largest = np.abs(exact).max(axis=axis, keepdims=True)
            # Plus the rounding of float32 itself.
            assert np.all(np.abs(served - exact) <= largest * (1 / 254 + 1e-6))
            assert np.any(served != exact)


# Three exports of one model, by `weights`.
@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[keras.Model, BertInputs, dict[str, Path]]:
    keras.utils.set_random_seed(4)
    words = [chr(x) for x in range(0x4E00, 0x4E00 + 900)]
    inputs = BertInputs([*SPECIAL, *words], LENGTH, split="character")
    encoder = models.bert_tiny(inputs.vocabulary_size, max_length=LENGTH)
    model = models.embedder(encoder)
    base = tmp_path_factory.mktemp("exports")
    return (
        model,
        inputs,
        {
            weights: serving.export(
                model, inputs, base / weights, weights=weights
            )
            for weights in ("float32", "bfloat16", "int8")
        },
    )


def size(version: Path) -> int:
    return sum(x.stat().st_size for x in (version / "variables").iterdir())


@pytest.mark.slow
def test_size_on_disk(exported) -> None:
    model, _, versions = exported
    whole = size(versions["float32"])
    assert whole >= 4 * model.count_params()
    assert 0.5 * whole < size(versions["bfloat16"]) < 0.52 * whole
    assert 0.25 * whole < size(versions["int8"]) < 0.29 * whole
    # The weights are not in the graph either.
    graphs = [x / "saved_model.pb" for x in versions.values()]
    sizes = [x.stat().st_size for x in graphs]
    assert max(sizes) - min(sizes) < 0.05 * whole


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["bfloat16", "int8"])
def test_answers_and_drift(exported, weights: str) -> None:
    model, inputs, versions = exported
    base = versions[weights].parent
    card = json.loads((versions[weights] / "signature.json").read_text("utf-8"))
    assert card["weights"] == weights

    def served(texts: list[str]) -> np.ndarray:
        answer = serving.answers(base, texts)["embedding"]
        assert answer.dtype == np.float32
        return answer

    batches = [list(CHECK_TEXTS), [CHECK_TEXTS[0]], ["a " * LENGTH]]
    differences = np.concatenate(
        [
            np.abs(served(texts) - model(inputs(texts))["embedding"]).ravel()
            for texts in batches
        ]
    )
    drift = card["drift"]["embed"]["embedding"]
    assert drift["largest"] == pytest.approx(differences.max(), abs=1e-6)
    assert drift["mean"] == pytest.approx(differences.mean(), abs=1e-6)
    assert drift["mean"] > 1e-5  # something was rounded
    assert card["drift"]["embed"]["tokens"] == {"equal": 1.0}
    assert card["drift"].keys() == card["signatures"].keys()

    readme = (versions[weights] / "README.md").read_text("utf-8")
    row = f"| `embed` | `embedding` | {drift['largest']:.3g} |"
    assert f"stored as {weights}" in readme and row in readme


@pytest.mark.slow
def test_float32_has_no_drift(exported) -> None:
    _, _, versions = exported
    card = json.loads((versions["float32"] / "signature.json").read_text())
    assert (card["weights"], card["drift"]) == ("float32", None)
    assert "## Drift" not in (versions["float32"] / "README.md").read_text()


def test_drift_by_hand() -> None:
    drift = measured_drift(
        [
            ("a", {"x": np.array([1.0, 2.5])}, {"x": np.array([1.0, 2.0])}),
            ("a", {"x": np.array([-9.0])}, {"x": np.array([-10.0])}),
            ("b", {"y": np.array(["u", "v"])}, {"y": np.array(["u", "w"])}),
            ("b", {"z": np.zeros((0, 3))}, {"z": np.zeros((0, 3))}),
        ],
        tolerance=0.25,
    )
    assert drift == {
        "a": {"x": {"largest": 1.0, "mean": 0.5}},
        "b": {"y": {"equal": 0.5}},
    }


@pytest.mark.parametrize("given", [np.array([2.6]), np.array([np.nan])])
def test_too_much_drift(given: np.ndarray) -> None:
    with pytest.raises(RuntimeError, match="`x` of `a` must be that"):
        measured_drift([("a", {"x": given}, {"x": np.array([2.0])})], 0.25)
    with pytest.raises(RuntimeError, match="must have the shape"):
        measured_drift([("a", {"x": given}, {"x": np.zeros(2)})], 0.25)


@pytest.mark.slow
def test_weights_that_do_not_survive(tmp_path: Path) -> None:
    # Two features are so large that int8 loses the others, and the norm then
    # drops the two.
    inputs = BertInputs([*SPECIAL, *map(chr, range(97, 123))], 8)
    encoder = models.bert_encoder(inputs.vocabulary_size, 1, 2, 64, 64, 8)
    embeddings = encoder.get_layer("embeddings")
    table = embeddings.token_embedding.embeddings
    large = np.array([30.0, -30.0])
    table.assign(np.concatenate([np.tile(large, (31, 1)), table[:, 2:]], 1))
    embeddings.norm.gamma.assign(np.where(np.arange(64) < 2, 0.0, 1000.0))
    with pytest.raises(RuntimeError, match="must be that of the model"):
        serving.export(encoder, inputs, tmp_path, weights="int8")
    assert not list(tmp_path.iterdir())


def test_refused(tmp_path: Path) -> None:
    inputs = BertInputs([*SPECIAL, "a"], 8)
    model = models.embedder(models.bert_encoder(6, 1, 1, 4, 8, 8))
    wrong: str = "int4"
    with pytest.raises(ValueError, match="Received: weights='int4'"):
        serving.export(model, inputs, tmp_path, weights=wrong)  # pyright: ignore
    with pytest.raises(ValueError, match="at least 1024 numbers"):
        serving.export(model, inputs, tmp_path, weights="int8")
    assert not list(tmp_path.iterdir())
