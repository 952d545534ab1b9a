"""A last batch with fewer rows than devices: figures, weights and predictions
equal those of one device."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from worker_processes import ROOT, start_workers

SCRIPT = Path(__file__).with_name("train_on_uneven_rows.py")
QUICK = ["means", "two outputs"]


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
        # Sums are in another order.
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5, err_msg=key)
    # The weights change, so a wrong gradient would show.
    for name in {key.split("/")[0] for key in ones}:
        assert np.ptp(found[f"{name}/one/history/loss"]) > 1e-3, name


@pytest.mark.slow
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


REFUSED = """
import keras, numpy as np
import train_on_uneven_rows as trials
from keras import layers, ops
from keras_ctx import training

_, both = trials.two_devices()
x = keras.Input((3,))
dense = layers.Dense(2, activity_regularizer="l2")(x)
normed = layers.Dense(2)(layers.BatchNormalization()(x))
rows = trials.batched(trials.X, trials.Y)


def compiled(optimizer="sgd", loss="sparse_categorical_crossentropy", **more):
    model = training.distributed(trials.dense())
    model.compile(optimizer, loss, jit_compile=False, **more)
    return model


def mean(y_true, y_pred):
    return ops.mean(y_pred)


for refused in (
    lambda: training.distributed(keras.Model(x, dense)),
    lambda: training.distributed(keras.Model(x, normed)),
    lambda: compiled(keras.optimizers.SGD(clipnorm=1.0)),
    lambda: compiled(keras.optimizers.Adam(global_clipnorm=1.0)),
    lambda: compiled(keras.optimizers.Adam(gradient_accumulation_steps=2)),
    lambda: compiled(steps_per_execution=2),
    lambda: compiled(loss=keras.losses.MeanSquaredError(reduction=None)),
    lambda: compiled(loss=mean).fit(rows, shuffle=False, verbose=0),
    lambda: compiled().train_on_batch(trials.X, trials.Y),
    lambda: compiled().test_on_batch(trials.X, trials.Y),
    lambda: compiled().predict_on_batch(trials.X),
):
    with both.scope():
        try:
            refused()
            print("not refused")
        except ValueError as error:
            print(str(error).replace(chr(10), " "))
"""


@pytest.mark.slow
def test_what_cannot_be_that_of_one_device_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(REFUSED)
    paths = f"{ROOT}:{SCRIPT.parent}"
    found = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = [
        "must not have an activity regularizer",
        "`synchronized=True`. Received: batch_normalization",
        "`clipnorm` of a Keras optimizer",
        "`global_clipnorm` of a Keras optimizer",
        "`gradient_accumulation_steps` of a Keras optimizer",
        "`steps_per_execution` must be 1",
        "`reduction` of a loss must be",
        "must return one number per row or token",
        "`train_on_batch` would give the whole batch to each of 2",
        "`test_on_batch` would give the whole batch to each of 2",
        "`predict_on_batch` would give the whole batch to each of 2",
    ]
    lines = found.stdout.splitlines()
    assert len(lines) == len(wanted)
    for line, words in zip(lines, wanted, strict=True):
        assert words in line
