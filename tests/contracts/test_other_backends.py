"""Compares layers and their gradients on JAX and PyTorch with TensorFlow's.

`make slow` runs all laws on JAX; here each other backend gets one process.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gradients_on_backend import answers
from layer_cases import CASES

ROOT = Path(__file__).resolve().parents[2]
# Loops with custom gradients, where backends differ most.
LOOPS = [
    *("BiLM", "BiLM, stateful", "CRF"),
    *("DocumentLSTM", "DocumentLSTM of long rows"),
    *("WeightDroppedLSTM", "WeightDroppedLSTM in reverse, from a state"),
]
EVERY = [case.name for case in CASES]


def check(backend: str, names: list[str], folder: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("gradients_on_backend.py"),
            folder / "found.npz",
            *names,
        ],
        check=True,
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(ROOT),
        },
    )
    found = {
        key.replace("|", "/"): value
        for key, value in np.load(folder / "found.npz").items()
    }
    expected = {}
    for case in CASES:
        if case.name in names:
            expected |= answers(case)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        # The order of sums differs; they add squares of numbers up to 30.
        np.testing.assert_allclose(
            found[key], value, rtol=1e-4, atol=1e-4, err_msg=key
        )


@pytest.mark.slow
def test_loops_on_jax(tmp_path: Path) -> None:
    check("jax", LOOPS, tmp_path)


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"
)
@pytest.mark.parametrize(
    "names", [LOOPS, pytest.param(EVERY, marks=pytest.mark.slow)]
)
def test_layers_on_pytorch(names: list[str], tmp_path: Path) -> None:
    check("torch", names, tmp_path)
