"""A subclassed model comes back from its file with all of its weights."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from random_weights import randomized
from subclassed import LAYERS, MODELS, Everything, answers, arrays

from keras_ctx import layers

HERE = Path(__file__).resolve().parent
# As in setup.cfg, which says why one is ignored.
KNOWN = "ignore:__array__ implementation doesn't accept a copy"
WARNINGS = ["-W", "error", "-W", f"{KNOWN}:DeprecationWarning"]
EVERY = sorted(
    [*MODELS, *LAYERS],
    # Keras passes `training` on to all nested calls.
    key=lambda name: name in LAYERS and "training" in LAYERS[name].call,
)
ONE_OF_EACH = [
    "bert_encoder",
    "elmo_encoder",
    "classifier of bert, last",
    *{name.split()[0].strip(","): name for name in [*LAYERS][::-1]}.values(),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(ONE_OF_EACH, id="one of each"),
        pytest.param(EVERY, id="every case", marks=pytest.mark.slow),
    ],
)
def test_loaded_in_a_fresh_process(names: list[str], tmp_path) -> None:
    model = Everything(names)
    model(arrays(names))
    randomized(model)
    model.save(tmp_path / "model.keras")  # with its current states
    expected = answers(model)
    subprocess.run(
        [sys.executable, *WARNINGS, HERE / "subclassed.py", tmp_path],
        check=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    found = np.load(tmp_path / "answers.npz")
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


@keras.saving.register_keras_serializable(package="tests")
class OneBlock(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.block = layers.TransformerEncoderBlock(2, 6, dropout=0.0)

    def call(self, inputs):
        return self.block(inputs)


def test_lora_comes_back_in_layers_that_are_made_anew(tmp_path) -> None:
    model = OneBlock()
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    before = np.asarray(model(x))
    model.block.enable_lora(2, lora_alpha=3.0)
    randomized(model)
    expected = np.asarray(model(x))
    assert np.abs(expected - before).max() > 0.1
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), expected)
    block = loaded.block
    assert (block.lora_rank, block.lora_alpha) == (2, 3.0)
    assert len(loaded.trainable_weights) == len(model.trainable_weights) == 12
    for found, weight in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(found, weight, err_msg=weight.path)
