"""Two devices train as one does, on the same global batches."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("devices") / "results.npz"
    script = Path(__file__).with_name("train_on_devices.py")
    subprocess.run(
        [sys.executable, script, path],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return dict(np.load(path))


@pytest.mark.parametrize("model", ["bert", "elmo"])
def test_loss_curves_are_equal(results: dict, model: str) -> None:
    one, two = (results[f"{model}/{n}/losses"] for n in ("one", "two"))
    assert len(one) == 24
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-4)
    # The curve is of a model that learns, not of one that stands still.
    assert np.ptp(one) > 0.1


@pytest.mark.parametrize("model", ["bert", "elmo"])
def test_final_weights_are_equal(results: dict, model: str) -> None:
    names = [k.removeprefix(f"{model}/one/") for k in results]
    names = [k for k in names if k.isdigit()]
    assert len(names) > 20
    for name in names:
        np.testing.assert_allclose(
            results[f"{model}/two/{name}"],
            results[f"{model}/one/{name}"],
            rtol=0,
            atol=1e-4,
        )
