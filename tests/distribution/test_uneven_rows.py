"""A last batch of fewer rows than devices: the figures, the weights and the
predictions are those of one device."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from worker_processes import ROOT, start_workers

SCRIPT = Path(__file__).with_name("train_on_uneven_rows.py")
QUICK = ["means", "two outputs", "masks", "elmo"]


def on_one_and_two(folder: Path, names: list[str]) -> dict[str, np.ndarray]:
    path = folder / "results.npz"
    subprocess.run(
        [sys.executable, SCRIPT, path, *names],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return dict(np.load(path))


def assert_equal(found: dict[str, np.ndarray], several: str) -> None:
    ones = [key for key in found if "/one/" in key]
    assert len(ones) > 20
    for key in ones:
        one, other = found[key], found[key.replace("/one/", f"/{several}/")]
        assert np.isfinite(one).all(), key
        # Sums in another order.
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5, err_msg=key)
    # Of models that move: a wrong gradient would be seen.
    for name in {key.split("/")[0] for key in ones}:
        assert np.ptp(found[f"{name}/one/history/loss"]) > 1e-3, name


def test_two_devices(tmp_path: Path) -> None:
    assert_equal(on_one_and_two(tmp_path, QUICK), "two")


@pytest.mark.slow
def test_two_devices_and_two_workers(tmp_path: Path) -> None:
    workers = start_workers(
        2, lambda index: [SCRIPT, tmp_path / f"{index}.npz", "workers"]
    )
    found = on_one_and_two(tmp_path, [])
    assert [worker.wait(timeout=200) for worker in workers] == [0, 0]
    assert_equal(found, "two")
    for index in (0, 1):
        assert_equal(
            found | dict(np.load(tmp_path / f"{index}.npz")), "workers"
        )
