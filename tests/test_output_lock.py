"""Two runs with one output: the second is refused, and the owner named."""

import errno
import fcntl
import os
import platform
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import keras_ctx
from keras_ctx import training
from keras_ctx.files.output_lock import LOCK, move_lock, output_lock

# Without the package's own `__init__`, which imports Keras, to start at once.
HOLDER = """
import sys, time, types
package = types.ModuleType("keras_ctx")
package.__path__ = [sys.argv[1]]
sys.modules["keras_ctx"] = package
from keras_ctx.files.output_lock import output_lock
with output_lock(sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


@dataclass(frozen=True)
class Config:
    output: Path | None
    strategy: str = "one_device"


def hold(output: Path) -> subprocess.Popen:
    """Starts another process that holds the lock."""
    [package] = keras_ctx.__path__
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, package, str(output)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_a_kill_frees_the_lock(
    tmp_path: Path,
) -> None:
    output = tmp_path / "runs" / "one"
    process = hold(output)
    try:
        with pytest.raises(ValueError, match="one run at a time") as refused:
            with output_lock(output):
                pass
        message = str(refused.value)
        who = f"process {process.pid} on {platform.node()} since 20"
        assert who in message and f"output='{output}'" in message
        assert "\n" not in message
        with output_lock(tmp_path / "runs" / "two"):
            pass  # another folder is free
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert (output / LOCK).exists()  # left by the kill
    with output_lock(output):
        assert f"process {os.getpid()} on" in (output / LOCK).read_text()
    # Earlier files stay, the lock is removed.
    assert list(output.iterdir()) == []


def test_a_folder_that_was_made_for_the_lock_goes_unless_it_is_used(
    tmp_path: Path,
) -> None:
    with output_lock(tmp_path / "a" / "b"):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError), output_lock(tmp_path / "a" / "b"):
        (tmp_path / "a" / "file").touch()
        raise KeyError
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]


def test_a_file_has_its_lock_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    with output_lock(file, is_file=True):
        assert (tmp_path / f".scores.jsonl{LOCK}").exists()
        with output_lock(tmp_path / "others.jsonl", is_file=True):
            pass
        with pytest.raises(ValueError, match="one run at a time"):
            training.writes_file(lambda config: None)(Config(file))
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_its_holder_removes_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Opened before the holder removes it, locked after: it locks nothing.
    real, calls = fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not calls:
            (tmp_path / LOCK).unlink()
        calls.append(descriptor)
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with output_lock(tmp_path):
        assert len(calls) == 2
        with pytest.raises(ValueError, match="one run at a time"):
            with output_lock(tmp_path):
                pass


def test_a_file_system_without_locks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with output_lock(tmp_path):
        pass
    assert "the file system has no locks" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ValueError, match=f"a folder, or a new one. {file} is"):
        with output_lock(file / "run"):
            pass
    with pytest.raises(ValueError, match=f"in a folder, or in a new .*{file}"):
        with output_lock(file / "answers.jsonl", is_file=True):
            pass
    with pytest.raises(ValueError, match="`output` must name a file"):
        with output_lock(tmp_path, is_file=True):
            pass
    with pytest.raises(ValueError, match="`output` must be a path that can"):
        with output_lock(tmp_path / ("a" * 300)):
            pass
    assert list(tmp_path.iterdir()) == [file]


def test_a_restart_keeps_the_lock(tmp_path: Path) -> None:
    output = tmp_path / "run"
    with output_lock(output):
        # It contains only the lock, so there is nothing to move.
        training.begin_run(output, {"rate": 1}, restart=True)
        assert not (tmp_path / "run.old-1").exists()
        training.begin_run(output, {"rate": 2}, restart=True)
        assert os.listdir(tmp_path / "run.old-1") == ["settings.json"]
        with pytest.raises(ValueError, match="one run at a time"):
            with output_lock(output):
                pass
    assert os.listdir(output) == ["settings.json"]
    assert sorted(os.listdir(tmp_path)) == ["run", "run.old-1"]


def test_a_restart_gives_way_to_a_run_that_was_faster(tmp_path: Path) -> None:
    old, new = tmp_path / "run.old-1", tmp_path / "run"
    with output_lock(old), output_lock(new):
        with pytest.raises(ValueError, match="one run at a time"):
            move_lock(old, new)
        assert (new / LOCK).exists()


def test_only_the_worker_that_writes_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = training.writes_folder(lambda config: os.listdir(config.output))
    cluster = '"cluster": {"worker": ["a:1", "b:1"]}'
    config = Config(tmp_path, "multi_worker")
    for index, locked in ((0, [LOCK]), (1, [])):
        task = f'"task": {{"type": "worker", "index": {index}}}'
        monkeypatch.setenv("TF_CONFIG", f"{{{cluster}, {task}}}")
        assert main(config) == locked
    # TF_CONFIG alone does not make a worker.
    assert main(Config(tmp_path)) == [LOCK]


def test_settings_that_were_mended_before_the_first_step(
    tmp_path: Path,
) -> None:
    with output_lock(tmp_path):
        training.begin_run(tmp_path, {"rate": 1}, {"train": "a"})
        training.begin_run(tmp_path, {"rate": 1}, {"train": "b"})
