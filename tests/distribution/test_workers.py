"""Workers that wait for each other, and the error for a missing one."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from worker_processes import ROOT, free_addresses

from keras_ctx.training import is_chief, strategy
from keras_ctx.training.distribution.workers import meet_workers, workers


class Worker(threading.Thread):
    def __init__(self, addresses: list[str], index: int, timeout: float = 20):
        super().__init__()
        self.arguments = addresses, index, timeout
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            meet_workers(*self.arguments)
        except Exception as error:
            self.error = error


def test_all_go_when_the_last_has_come() -> None:
    where = free_addresses(3)
    early = [Worker(where, 2), Worker(where, 0)]
    for worker in early:
        worker.start()
    host, port = where[0].split(":")
    time.sleep(0.5)
    # Not a worker: a health check, which sends nothing.
    socket.create_connection((host, int(port))).close()
    time.sleep(0.3)
    assert all(worker.is_alive() for worker in early)
    last = Worker(where, 1)
    last.start()
    for worker in (*early, last):
        worker.join(15)
        assert not worker.is_alive() and worker.error is None
    # The port is free for TensorFlow.
    socket.create_server((host, int(port))).close()


def test_a_worker_that_came_and_died_is_waited_for() -> None:
    where = free_addresses(3)
    first = Worker(where, 0)
    first.start()
    time.sleep(0.3)
    host, port = where[0].split(":")
    with socket.create_connection((host, int(port))) as gone:
        gone.sendall(b"1")  # then it dies
    time.sleep(0.3)
    second, third = Worker(where, 1), Worker(where, 2)
    third.start()
    time.sleep(0.5)
    assert first.is_alive() and third.is_alive()
    second.start()
    for worker in (first, second, third):
        worker.join(15)
        assert not worker.is_alive() and worker.error is None


def test_a_worker_that_never_comes_is_named() -> None:
    where = free_addresses(3)
    first, second = Worker(where, 0, 1.5), Worker(where, 1, 2)
    for worker in (first, second):
        worker.start()
        worker.join(6)
    assert isinstance(first.error, TimeoutError)
    assert f"within 1.5 seconds. Not started: worker 1 ({where[1]}), 2" in str(
        first.error
    )


def test_without_the_first_worker() -> None:
    where = free_addresses(2)
    with pytest.raises(TimeoutError, match="did not answer worker 1"):
        meet_workers(where, 1, 0.5)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{",
        "[]",
        '{"cluster": {"chief": ["a:1"]}, "task": {"index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"index": 1}}',
        '{"cluster": {"worker": ["a:1"]}}',
    ],
)
def test_a_configuration_without_workers(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="`TF_CONFIG` must be set"):
        strategy("multi_worker")


def test_who_trains_alone_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For any environment. Of several workers only the first writes, see
    test_recipes_on_devices.py."""
    config = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert workers() == (["a:1", "b:2"], 1)
    for name in ("one_device", "mirrored"):
        strategy(name)
        assert is_chief()


@pytest.mark.slow
def test_a_batch_that_two_devices_cannot_share(tmp_path: Path) -> None:
    """In its own process, for two logical devices."""
    script = tmp_path / "script.py"
    script.write_text(
        "import train_on_devices\n"
        "from keras_ctx import training\n"
        "_, both = train_on_devices.two_devices()\n"
        "assert training.strategy('mirrored', batch_size=6) is both\n"
        "training.strategy('mirrored', batch_size=7)\n"
    )
    paths = f"{ROOT}:{ROOT / 'tests' / 'distribution'}"
    found = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert "`batch_size` must be a multiple" in found.stderr
    assert "batch_size=7, 2 devices" in found.stderr


def test_other_strategies_are_refused() -> None:
    with pytest.raises(ValueError, match="`name` must be .*'many'"):
        strategy("many")  # pyright: ignore
    with pytest.raises(ValueError, match="needs Keras on jax"):
        strategy("data_parallel")
