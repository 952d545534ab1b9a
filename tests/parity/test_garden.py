"""Our BERT compared with golden files of TensorFlow Model Garden.

tests/golden/make_garden.py wrote them, with Model Garden installed.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ctx import convert, layers, models

GOLDEN = Path(__file__).parents[1] / "golden"
BLOCKS = ["gelu", "gelu_tanh", "relu", "gelu_norm_first"]
V, L, H, D, F, T, S = 19, 2, 2, 8, 12, 10, 3


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / name) as arrays:
        return dict(arrays)


def below(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def assert_close(ours, expected: np.ndarray) -> None:
    ours = keras.ops.convert_to_numpy(ours)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def fill(weights, arrays: dict[str, np.ndarray], prefix: str = "") -> None:
    """Sets each of our weights by its path; uses each array once."""
    assert len(weights) == len(arrays)
    for weight in weights:
        weight.assign(arrays[weight.path.removeprefix(prefix)])


def block_of(name: str, inputs: np.ndarray) -> layers.TransformerEncoderBlock:
    block = layers.TransformerEncoderBlock(
        *(H, F, name.removesuffix("_norm_first")),
        norm_first=name.endswith("_norm_first"),
        name="block",
    )
    block.build(inputs.shape)
    return block


@pytest.mark.parametrize("name", BLOCKS)
def test_block_with_weights_of_ours_in_theirs(name: str) -> None:
    made = golden("garden_block.npz")
    block = block_of(name, made["inputs"])
    fill(block.weights, below(made, f"{name}/ours/weights/"), "block/")
    outputs = block(made["inputs"], made["padding_mask"])
    assert_close(outputs, made[f"{name}/ours/outputs"])


@pytest.mark.parametrize("name", BLOCKS)
def test_block_with_weights_of_theirs_in_ours(name: str) -> None:
    made = golden("garden_block.npz")
    theirs = {
        # Weight names begin with that of the layer.
        path.partition("/")[2]: array
        for path, array in below(made, f"{name}/theirs/weights/").items()
    }
    renamed = {
        "self_attention/query": "attention/query",
        "self_attention/key": "attention/key",
        "self_attention/value": "attention/value",
        "self_attention/attention_output": "attention/attention_output",
        "self_attention_layer_norm": "attention_norm",
        "intermediate": "intermediate",
        "output": "output_projection",
        "output_layer_norm": "feedforward_norm",
    }
    arrays = {}
    for path, array in theirs.items():
        parent, _, kind = path.rpartition("/")
        arrays[f"{renamed[parent]}/{kind}"] = array
    block = block_of(name, made["inputs"])
    fill(block.weights, arrays, "block/")
    outputs = block(made["inputs"], made["padding_mask"])
    assert_close(outputs, made[f"{name}/theirs/outputs"])


def inputs_of(made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    names = ("token_ids", "segment_ids", "padding_mask")
    return {name: made[name] for name in names}


def assert_agrees(encoder: keras.Model, made: dict[str, np.ndarray]) -> None:
    outputs = encoder(inputs_of(made))
    # Model Garden's list lacks the embeddings, our layer 0.
    assert len(outputs["layers"]) == L + 1
    for ours, expected in zip(
        outputs["layers"][1:], made["layers"], strict=True
    ):
        assert_close(ours, expected)
    assert_close(outputs["sequence"], made["layers"][-1])
    assert_close(outputs["pooled"], made["pooled"])


def test_encoder_with_weights_of_ours_in_theirs() -> None:
    made = golden("garden_encoder.npz")
    encoder = models.bert_encoder(V, L, H, D, F, T, S, "gelu_tanh")
    fill(encoder.weights, below(made, "weights/"))
    assert_agrees(encoder, made)


@pytest.mark.parametrize("folder", ["garden_numbered", "garden_named"])
def test_checkpoint_of_theirs_in_ours(folder: str) -> None:
    encoder = convert.load_bert(GOLDEN / folder)
    assert encoder.get_layer("block_0").activation == "gelu_tanh"
    assert_agrees(encoder, golden(f"{folder}/expected.npz"))


def test_pretrainer_of_theirs_in_ours() -> None:
    made = golden("garden_named/expected.npz")
    model = convert.load_bert(GOLDEN / "garden_named", heads=True)
    positions = {"masked_positions": made["masked_positions"]}
    outputs = model({**inputs_of(made), **positions})
    assert_close(outputs["masked_lm"], made["masked_lm"])
    # "Follows" is class 0 there, and class 1 here.
    assert_close(outputs["next_sentence"], made["next_sentence"][:, ::-1])


def test_encoder_alone_has_no_masked_lm_head() -> None:
    with pytest.raises(ValueError, match="masked language model"):
        convert.load_bert(GOLDEN / "garden_numbered", heads=True)
