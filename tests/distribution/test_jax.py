"""Keras trains the same on JAX and TensorFlow, from the same weights and
batches, which the processes exchange as files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pretraining import PRETRAINING, first
from train_on_backend import train_all
from worker_processes import ROOT

SCRIPT = Path(__file__).with_name("train_on_backend.py")
NAMES = ["bert", "elmo"]
STEPS = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder with the results of both backends."""
    folder = tmp_path_factory.mktemp("backends")
    for name in NAMES:
        make_model, make_batches = PRETRAINING[name]
        model = make_model()
        model.optimizer.build(model.trainable_variables)
        model.save(folder / f"{name}.keras")
        batches = {
            f"{part}/{key}": value
            for part, values in enumerate(first(make_batches(), STEPS))
            for key, value in values.items()
        }
        np.savez(folder / f"{name}.npz", allow_pickle=False, **batches)
    environment = {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": str(ROOT),
        # Halves the time to compile.
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    with subprocess.Popen(
        [sys.executable, SCRIPT, folder], env={**os.environ, **environment}
    ) as jax:
        train_all(folder)
        assert jax.wait(timeout=300) == 0
    return folder


@pytest.mark.slow  # JAX compiles for a minute; test_other_backends.py is quick
@pytest.mark.parametrize("name", NAMES)
def test_jax_trains_as_tensorflow_does(folder: Path, name: str) -> None:
    expected, found = (
        dict(np.load(folder / f"{name}.{backend}.results.npz"))
        for backend in ("tensorflow", "jax")
    )
    assert len(expected["losses"]) == STEPS
    assert np.ptp(expected["losses"]) > 0.05
    assert found.keys() == expected.keys() and len(found) > 20
    for key, value in expected.items():
        np.testing.assert_allclose(
            found[key], value, rtol=0, atol=1e-3, err_msg=key
        )
