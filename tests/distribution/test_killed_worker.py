"""A worker is killed and restarted: the loss curve is that of one device."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from worker_processes import ROOT, free_addresses, start_worker

from keras_ctx import models, training

RECIPE = ROOT / "recipes" / "pretrain_bert.py"
SIZES = ["--num-layers", "1", "--hidden-dim", "32", "--pair-length", "24"]
STEPS = ["--batch-size", "8", "--epochs", "6", "--steps-per-epoch", "20"]
# An epoch ends within an update.
STEPS += ["--gradient-accumulation-steps", "3"]


def epochs(folder: Path) -> list[dict[str, float]]:
    names = ("epoch", "loss", "masked_lm_loss", "next_sentence_loss")
    return [
        {name: line[name] for name in names}
        for line in training.read_metrics(folder)
        if "epoch" in line
    ]


def until(there, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("victim", "how"),
    [(0, signal.SIGKILL), (1, signal.SIGKILL), (1, signal.SIGTERM)],
)
def test_killed_worker(victim: int, how: int, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    rng = random.Random(1)
    sentences = [
        "".join(rng.choices("河岸树银行书好差钱", k=9)) for _ in range(600)
    ]
    documents = ["\n".join(sentences[i : i + 3]) for i in range(0, 600, 3)]
    corpus.write_text("\n\n".join(documents), encoding="utf-8")
    common = [RECIPE, "--corpus", corpus, *SIZES, *STEPS]
    one, two = tmp_path / "one", tmp_path / "two"
    subprocess.run(
        [sys.executable, *map(str, common), "--output", str(one)], check=True
    )
    addresses = free_addresses(2)

    def start(index: int) -> subprocess.Popen:
        arguments = [*common, "--output", two, "--strategy", "multi_worker"]
        return start_worker(addresses, index, arguments)

    workers = [start(0), start(1)]
    until(lambda: len(epochs(two)) >= 2)
    time.sleep(random.SystemRandom().random() * 2)
    workers[victim].send_signal(how)
    # The other worker notices, ends with an error, and both are restarted, as
    # in a cluster.
    until(lambda: all(worker.poll() is not None for worker in workers))
    codes = [worker.returncode for worker in workers]
    assert 0 not in codes
    if how == signal.SIGTERM:  # both saved, at the same step
        assert codes == [143, 143]
        assert training.completed_steps(two) % 10 == 0
    assert not (two / "results.json").exists()
    workers = [start(0), start(1)]
    assert [worker.wait(timeout=240) for worker in workers] == [0, 0]
    found, expected = epochs(two), epochs(one)
    assert [row["epoch"] for row in found] == [1, 2, 3, 4, 5, 6]
    for ours, theirs in zip(found, expected, strict=True):
        # As in test_two_devices.py.
        assert ours == pytest.approx(theirs, abs=1e-4)
    ours, theirs = (
        models.encoder_of(
            keras.saving.load_model(folder / "pretrainer.keras")
        ).get_weights()
        for folder in (two, one)
    )
    for ours_, theirs_ in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(ours_, theirs_, rtol=0, atol=1e-4)
