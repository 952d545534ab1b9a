"""Two devices and two workers train as one device, on the same global batches,
with more targets on one than on the other."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from worker_processes import start_workers

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, path: Path, *arguments: str) -> dict:
    subprocess.run(
        [sys.executable, Path(__file__).with_name(script), path, *arguments],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return dict(np.load(path))


@pytest.fixture(
    scope="module",
    # The BERT also with two batches per update, and with rows in chunks.
    params=["bert", "elmo", "accumulated", "long"],
)
def model(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def results(model: str, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Returns results of one device, of two, and of the second worker."""
    folder = tmp_path_factory.mktemp("devices")
    script = Path(__file__).with_name("train_on_devices.py")
    workers = start_workers(
        2, lambda index: [script, folder / f"{index}.npz", model]
    )
    found = run("train_on_devices.py", folder / "results.npz", model)
    assert [worker.wait(timeout=200) for worker in workers] == [0, 0]
    first, second = (dict(np.load(folder / f"{i}.npz")) for i in (0, 1))
    writes = [x.pop("is_chief") for x in (found, first, second)]
    assert writes == [True, True, False]
    for key, values in first.items():
        np.testing.assert_array_equal(values, second[key], key)
    return found | second


@pytest.mark.slow  # quick: test_uneven_rows.py
@pytest.mark.parametrize("several", ["two", "workers"])
def test_loss_curves_are_equal(results: dict, model: str, several: str) -> None:
    one, two = (results[f"{model}/{n}/losses"] for n in ("one", several))
    assert len(one) == 50
    # Halves of a batch are summed in another order, and Adam, which divides by
    # a root, amplifies the last digit over the updates.
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-4)
    # The loss falls: the model learns.
    assert np.ptp(one) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("several", ["two", "workers"])
def test_final_weights_are_equal(
    results: dict, model: str, several: str
) -> None:
    names = [k.removeprefix(f"{model}/one/") for k in results]
    names = [k for k in names if k.isdigit()]
    assert len(names) > 20
    for name in names:
        np.testing.assert_allclose(
            results[f"{model}/{several}/{name}"],
            results[f"{model}/one/{name}"],
            rtol=0,
            atol=1e-4,
        )


@pytest.mark.slow  # on one device: tests/training/test_layerwise_fit.py
def test_each_layer_has_its_rate_on_both_devices(tmp_path: Path) -> None:
    found = run("train_layerwise.py", tmp_path / "results.npz")
    np.testing.assert_allclose(
        found["two/losses"], found["one/losses"], rtol=0, atol=1e-4
    )
    paths = [k.removeprefix("one/end/") for k in found if "one/end/" in k]
    assert len(paths) > 30
    for path in paths:
        one, two = found[f"one/end/{path}"], found[f"two/end/{path}"]
        np.testing.assert_allclose(two, one, rtol=0, atol=1e-4)
        # Twelve updates, four per stage: two layers of three are unfrozen.
        moved = not np.array_equal(two, found[f"two/first/{path}"])
        assert moved == (not path.startswith("embeddings")), path
