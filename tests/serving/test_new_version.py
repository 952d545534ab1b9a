"""Version folders: numbered, complete or absent, also with other writers."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keras_ctx.serving import newest_version
from keras_ctx.serving.export.version_folder import new_version


def publish(path: Path, content: str = "whole") -> Path:
    with new_version(path) as (folder, finish):
        (folder / "model").write_text(content)
        return finish()


def test_versions_count_upwards(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "m"
    assert publish(path) == path / "1"
    assert publish(path) == path / "2"
    (path / "10").mkdir()
    assert publish(path) == path / "11"
    assert newest_version(path) == path / "11"
    assert sorted(os.listdir(path)) == ["1", "10", "11", "2"]


def test_rubbish_is_left_alone(tmp_path: Path) -> None:
    for name in ("old", "2-copy", "1.5", "-3", "²", "٤"):
        (tmp_path / name).mkdir()
    (tmp_path / "7").write_text("a file where a version could be")
    assert publish(tmp_path) == tmp_path / "8"
    assert len(os.listdir(tmp_path)) == 8
    assert newest_version(tmp_path) == tmp_path / "8"


def test_version_may_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    # A server may run as another user than the trainer.
    (tmp_path / "plain").mkdir()
    assert publish(tmp_path).stat().st_mode == (
        (tmp_path / "plain").stat().st_mode
    )


def test_nothing_looks_like_a_version_before_it_is_one(
    tmp_path: Path,
) -> None:
    with new_version(tmp_path) as (folder, _):
        (folder / "model").write_text("half")
        assert folder.parent == tmp_path
        assert not folder.name.isdigit()
        with pytest.raises(FileNotFoundError):
            newest_version(tmp_path)
    assert os.listdir(tmp_path) == []


def test_error_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        new_version(tmp_path) as (folder, _),
    ):
        (folder / "model").write_text("half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def killed_half_way(path: Path) -> None:
    script = (
        "import os, pathlib, signal\n"
        "from keras_ctx.serving.export.version_folder import new_version\n"
        f"with new_version(pathlib.Path({str(path)!r})) as (folder, _):\n"
        "    (folder / 'model').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
    )
    assert finished.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_crash_leaves_no_version_and_the_next_export_cleans_up(
    tmp_path: Path,
) -> None:
    killed_half_way(tmp_path)
    [leftover] = tmp_path.iterdir()
    assert (leftover / "model").read_text() == "half"
    with pytest.raises(FileNotFoundError):
        newest_version(tmp_path)
    assert publish(tmp_path) == tmp_path / "1"
    assert os.listdir(tmp_path) == ["1"]


def test_leftover_of_another_machine_stays(tmp_path: Path) -> None:
    # On a shared disk, where locks may be invisible.
    other = tmp_path / ".unfinished-another.host-1"
    other.mkdir()
    assert publish(tmp_path) == tmp_path / "1"
    assert other.is_dir()


def test_version_zero(tmp_path: Path) -> None:
    with new_version(tmp_path, 0) as (folder, finish):
        (folder / "model").write_text("first")
        assert finish() == tmp_path / "0"


def test_export_at_work_is_not_cleaned_up(tmp_path: Path) -> None:
    with new_version(tmp_path) as (folder, finish):
        (folder / "model").write_text("slow")
        assert publish(tmp_path, "fast") == tmp_path / "1"
        assert finish() == tmp_path / "2"
    assert (tmp_path / "2" / "model").read_text() == "slow"


def test_many_at_once_get_a_number_each(tmp_path: Path) -> None:
    start = threading.Barrier(8)
    versions: list[Path] = []

    def export(content: str) -> None:
        start.wait()
        for i in range(10):
            versions.append(publish(tmp_path, f"{content}-{i}"))

    threads = [
        threading.Thread(target=export, args=(str(n),)) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(version.name) for version in versions) == list(
        range(1, 81)
    )
    contents = {(version / "model").read_text() for version in versions}
    assert len(contents) == 80
    assert len(os.listdir(tmp_path)) == 80


def test_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="`path` must be a folder") as caught:
        publish(tmp_path / "file" / "m")
    assert caught.value.errno == errno.ENOTDIR
    assert caught.value.filename == str(tmp_path / "file" / "m")


def test_numbers_are_read_as_the_server_reads_them(tmp_path: Path) -> None:
    (tmp_path / "0001").mkdir()
    (tmp_path / str(2**63)).mkdir()  # too large for it
    with pytest.raises(FileExistsError), new_version(tmp_path, 1):
        pass
    assert newest_version(tmp_path) == tmp_path / "0001"
    assert publish(tmp_path) == tmp_path / "2"
    # Of two folders for one version, the server takes the shorter name.
    (tmp_path / "02").mkdir()
    assert newest_version(tmp_path) == tmp_path / "2"
