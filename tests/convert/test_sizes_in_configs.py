"""Sizes that do not fit the weights are refused before building."""

import json
import time

import h5py
import numpy as np
import pytest
from refusal_costs import check_refusals
from safetensors.numpy import save_file

from keras_ctx import convert

HUGE = [2**31, 10**6, 10**400, float("nan"), float("inf"), -1, "12", [[[1]]]]
BERT = {
    "vocab_size": 10,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "hidden_size": 4,
    "intermediate_size": 4,
    "max_position_embeddings": 8,
}
ELMO = {
    "lstm": {"dim": 4, "projection_dim": 4, "n_layers": 1},
    "char_cnn": {
        "activation": "relu",
        "embedding": {"dim": 2},
        "filters": [[1, 4]],
        "n_highway": 0,
        "n_characters": 262,
        "max_characters_per_token": 5,
    },
}
HUB = {
    "vocabulary_size": 10,
    "num_layers": 1,
    "num_heads": 1,
    "hidden_dim": 4,
    "intermediate_dim": 4,
    "dropout": 0.1,
    "max_sequence_length": 8,
    "num_segments": 2,
}
CASES = [
    *(("bert", key) for key in BERT),
    *(("hub", key) for key in HUB if key != "dropout"),
    ("elmo", "lstm.dim"),
    ("elmo", "lstm.projection_dim"),
    ("elmo", "lstm.n_layers"),
    ("elmo", "char_cnn.embedding.dim"),
    ("elmo", "char_cnn.filters"),
    ("elmo", "char_cnn.n_highway"),
    ("elmo", "char_cnn.max_characters_per_token"),
]


def folder_of(kind, key, value, folder):
    """Returns a folder whose config has one value unlike its weights."""
    config = json.loads(json.dumps({"bert": BERT, "hub": HUB}.get(kind, ELMO)))
    *blocks, last = key.split(".")
    place = config
    for block in blocks:
        place = place[block]
    if key == "char_cnn.filters":
        value = [[1, value], [value, 1]]
    place[last] = value
    weights = np.ones((2, 2), "float32")
    if kind == "bert":
        save_file({"a": weights}, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(config))
        return
    names = ("options.json", "weights.hdf5")
    if kind == "hub":
        names = ("config.json", "model.weights.h5")
        config = {"class_name": "BertBackbone", "config": config}
    (folder / names[0]).write_text(json.dumps(config))
    with h5py.File(folder / names[1], "w") as file:
        file["a"] = weights


# Reported before the other differences.
@pytest.mark.filterwarnings("ignore:.*has no pooler")
@pytest.mark.parametrize("value", HUGE, ids=lambda value: str(value)[:9])
@pytest.mark.parametrize(("kind", "key"), CASES)
def test_a_size_is_refused_at_once(kind, key, value, tmp_path):
    folder_of(kind, key, value, tmp_path)
    before = time.perf_counter()
    with pytest.raises(ValueError) as caught:
        convert.load_encoder(tmp_path)
    # A generous share of the second, for a busy machine.
    assert time.perf_counter() - before < 5
    assert len(str(caught.value)) < 10_000


def test_a_million_filters(tmp_path):
    folder_of("elmo", "lstm.dim", 4, tmp_path)
    config = json.loads((tmp_path / "options.json").read_text())
    config["char_cnn"]["filters"] = [[1, 1]] * 10**6
    (tmp_path / "options.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="at most 1,000,000 bytes") as caught:
        convert.load_encoder(tmp_path)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("length", [2**63 - 1, 2**40, 10**9, 0])
def test_header_of_safetensors(length, tmp_path):
    folder_of("bert", "hidden_size", 4, tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        convert.load_encoder(tmp_path)


@pytest.mark.parametrize("name", ["max_length", "max_characters"])
@pytest.mark.parametrize("value", [2**31, 10**400, float("nan"), -1, "9"])
def test_text_inputs(name, value, tmp_path):
    (tmp_path / "text_inputs.json").write_text(
        json.dumps({"class": "ElmoInputs", "config": {name: value}})
    )
    with pytest.raises(ValueError, match=r"text_inputs\.json"):
        convert.load_text_inputs(tmp_path)


@pytest.mark.slow
def test_memory_of_refusals(tmp_path):
    for number, (kind, key) in enumerate(CASES):
        for value in (10**6, 2**31 - 1, 2**31):
            folder = tmp_path / f"{number}-{value}"
            folder.mkdir()
            folder_of(kind, key, value, folder)
    check_refusals("keras_ctx.convert", "load_encoder", tmp_path)
