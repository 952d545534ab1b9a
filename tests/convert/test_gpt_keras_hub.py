"""GPT-2 from presets of KerasHub, beside KerasHub's own outputs."""

import json
import shutil
from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest

from keras_ctx.convert import load_encoder, load_gpt, load_text_inputs
from keras_ctx.text import byte_letters

TOKENS = [*byte_letters(), "he", "Ġhe", "<|endoftext|>"]
MERGES = ["h e", "Ġ he"]


@pytest.fixture(scope="module")
def theirs() -> keras.Model:
    model = keras_hub.models.GPT2Backbone(
        len(TOKENS), 2, 2, 8, 24, dropout=0.2, max_sequence_length=12
    )
    generator = np.random.default_rng(4)
    for weight in model.weights:
        numbers = 0.5 * generator.normal(size=weight.shape)
        weight.assign(numbers + weight.path.endswith("gamma"))
    return model


@pytest.fixture(scope="module")
def preset(theirs, tmp_path_factory) -> Path:
    """A task with its tokenizer."""
    folder = tmp_path_factory.mktemp("preset")
    tokenizer = keras_hub.models.GPT2Tokenizer(
        {token: i for i, token in enumerate(TOKENS)}, MERGES
    )
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(
        tokenizer, sequence_length=12
    )
    task = keras_hub.models.GPT2CausalLM(theirs, preprocessor)
    task.save_to_preset(folder)
    return folder


def check(ours: keras.Model, theirs: keras.Model) -> None:
    ids = np.array([[5, 256, 258, 7, 9], [40, 1, 0, 0, 0]])
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    expected = theirs({"token_ids": ids, "padding_mask": mask})
    found = ours({"token_ids": ids, "padding_mask": mask > 0})["sequence"]
    np.testing.assert_allclose(
        np.asarray(found)[mask > 0], np.asarray(expected)[mask > 0], atol=1e-5
    )


def test_presets(preset, theirs, tmp_path) -> None:
    ours = load_gpt(preset)
    check(ours, theirs)
    block = ours.get_layer("decoder_block_0")
    assert block.dropout == block.attention_dropout == 0.2
    theirs.save_to_preset(tmp_path)
    check(load_encoder(tmp_path), theirs)
    with pytest.raises(FileNotFoundError, match="assets/tokenizer/vocabulary"):
        load_text_inputs(tmp_path)


def test_text_inputs(preset) -> None:
    inputs = load_text_inputs(preset)
    assert (inputs.vocabulary, inputs.max_length) == (tuple(TOKENS), 12)
    assert inputs(["he he"])["token_ids"].numpy().tolist() == [[256, 257]]


CONFIGS = [
    ({"num_heads": 3}, "heads must divide the number of features"),
    ({"num_layers": 0}, "`num_layers` must be an integer of at least 1"),
    ({"num_layers": 3}, "do not fit the configuration"),
    ({"vocabulary_size": 10**9}, "requires 8,0.* numbers, but"),
]


@pytest.mark.parametrize(("changes", "message"), CONFIGS)
def test_refused_configurations(preset, tmp_path, changes, message) -> None:
    shutil.copytree(preset, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "config.json"
    content = json.loads(path.read_text())
    content["config"] |= changes
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        load_gpt(tmp_path)


def test_refused_presets(preset, tmp_path) -> None:
    shutil.copytree(preset, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "model.weights.h5"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut off or damaged"):
        load_gpt(tmp_path)
    weights.unlink()
    with pytest.raises(ValueError, match="must hold one weights file"):
        load_gpt(tmp_path)
    settings = {"config": {"add_prefix_space": True}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match="`config.add_prefix_space` must be"):
        load_text_inputs(tmp_path)
    path = tmp_path / "config.json"
    other = json.loads(path.read_text()) | {"class_name": "GPTNeoXBackbone"}
    path.write_text(json.dumps(other))
    with pytest.raises(ValueError, match="or a preset of GPT2Backbone"):
        load_gpt(tmp_path)


def test_numbers_that_are_no_weights(theirs, tmp_path) -> None:
    bad = keras_hub.models.GPT2Backbone.from_config(theirs.get_config())
    bad.set_weights(theirs.get_weights())
    bad.get_layer("layer_norm").beta.assign([np.nan] * 8)
    bad.save_to_preset(tmp_path)
    with pytest.raises(ValueError, match="model/ln_f/b: 8 of 8 are NaN"):
        load_gpt(tmp_path)
