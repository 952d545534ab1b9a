"""A subclassed model comes back from its file with all of its weights."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from random_weights import randomized
from subclassed import LAYERS, MODELS, Everything, answers, arrays

HERE = Path(__file__).resolve().parent
EVERY = sorted(
    [*MODELS, *LAYERS],
    # Keras hands `training` on to all that is called after.
    key=lambda name: name in LAYERS and "training" in LAYERS[name].call,
)
ONE_OF_EACH = [
    "bert_encoder",
    "elmo_encoder",
    "classifier of bert, last",
    *{name.split()[0].strip(","): name for name in [*LAYERS][::-1]}.values(),
]


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
    model.save(tmp_path / "model.keras")  # with the states that it has now
    expected = answers(model)
    subprocess.run(
        [sys.executable, "-W", "error", HERE / "subclassed.py", tmp_path],
        check=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    found = np.load(tmp_path / "answers.npz")
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)
