"""The end of processes that share work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_ctx.processes import in_processes

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """
import os, sys, time
from pathlib import Path
from keras_ctx.processes import in_processes

def work(number):
    Path(f"{number}.pid").write_text(str(os.getpid()))
    time.sleep(60)

if __name__ == "__main__":
    try:
        list(in_processes(work, range(4), 2))
    except (KeyboardInterrupt, RuntimeError) as error:
        sys.exit(f"{type(error).__name__} {error}")
"""


@pytest.mark.slow
def test_each_value_once() -> None:
    assert sorted(in_processes(abs, range(-5, 0), 2)) == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_an_error_comes_as_it_is() -> None:
    with pytest.raises(TypeError, match="bad operand"):
        list(in_processes(abs, ["a"], 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL", "worker"])
def test_all_end_together(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # A separate session, so that Ctrl-C reaches all as from a terminal.
    started = subprocess.Popen(
        [sys.executable, script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    workers = [int(text) for text in pids(tmp_path)]
    if name == "worker":
        os.kill(workers[0], signal.SIGKILL)
    elif name == "SIGINT":
        os.killpg(started.pid, signal.SIGINT)
    else:
        started.send_signal(getattr(signal, name))
    said = started.communicate(timeout=60)[1].strip()
    if name == "SIGINT":
        assert said == "KeyboardInterrupt"
    elif name == "worker":
        assert "num_workers=2" in said and said.count("\n") == 0
    end = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < end, "a worker is still there"
        time.sleep(0.05)


def pids(folder: Path) -> list[str]:
    end = time.monotonic() + 60
    while True:
        found = [path.read_text() for path in folder.glob("*.pid")]
        if len(found) == 2 and all(found):
            return found
        assert time.monotonic() < end, "they never began"
        time.sleep(0.05)
