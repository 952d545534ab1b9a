"""Impossible output folders are refused before any work."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keras_ctx import training


@dataclass(frozen=True)
class Config:
    output: Path
    init: Path | None = None
    train: Path | None = None
    inputs: tuple[Path, ...] = ()
    restart: bool = False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a run with a pretrained encoder and a data file."""
    (tmp_path / "runs" / "bert").mkdir(parents=True)
    (tmp_path / "runs" / "train.tsv").write_text("good\tpos\n")
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


def all_paths(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_a_restart_does_not_move_its_inputs(folder: Path) -> None:
    runs, before = folder / "runs", all_paths(folder)
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("init", {"init": runs / "bert"}),
        ("train", {"train": runs / "train.tsv"}),
        ("inputs", {"inputs": (folder / "a.txt", runs / "train.tsv")}),
        ("train", {"train": runs / "bert" / ".." / "train.tsv"}),
    )
    for name, given in cases:
        message = f"`restart` would move `{name}`.*output='.*runs'"
        with pytest.raises(ValueError, match=message):
            training.check_output(Config(runs, restart=True, **given))
        training.check_output(Config(runs, **given))  # nothing is moved
        others = Config(runs / "bert" / "new", restart=True, **given)
        training.check_output(others)
    # A name that only begins the same.
    config = Config(folder / "run", init=runs / "bert", restart=True)
    training.check_output(config)
    assert all_paths(folder) == before


@pytest.mark.parametrize("restart", [False, True])
def test_a_run_is_not_written_over_its_input(
    folder: Path, restart: bool
) -> None:
    bert = folder / "runs" / "bert"
    link = folder / "link"
    link.symlink_to(bert)
    for output in (bert, link, folder / "elsewhere" / ".." / "runs" / "bert"):
        with pytest.raises(ValueError, match="another folder than `init`"):
            training.check_output(Config(output, init=bert, restart=restart))
    with pytest.raises(ValueError, match="another folder than `inputs`"):
        training.check_output(Config(bert, inputs=(link,), restart=restart))


def test_links_are_followed_both_ways(folder: Path) -> None:
    runs = folder / "runs"
    # The output links to the input's folder; the input links into the output;
    # the path of the input goes through the output, directly or by a link.
    (folder / "to_runs").symlink_to(runs)
    (folder / "to_train").symlink_to(runs / "train.tsv")
    (runs / "out").symlink_to(folder / "elsewhere")
    (folder / "elsewhere" / "train.tsv").write_text("")
    (folder / "through").symlink_to(runs / "out")
    for output, train in (
        (folder / "to_runs", runs / "train.tsv"),
        (runs, folder / "to_train"),
        (runs, runs / "out" / "train.tsv"),
        (runs, folder / "through" / "train.tsv"),
    ):
        with pytest.raises(ValueError, match="would move `train`"):
            training.check_output(Config(output, train=train, restart=True))
    outside = folder / "elsewhere" / "train.tsv"
    training.check_output(Config(runs, train=outside, restart=True))


def test_a_restart_does_not_move_the_working_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "runs" / "bert")
    for output in (".", "..", folder):
        with pytest.raises(ValueError, match="move the working directory"):
            training.check_output(Config(Path(output), restart=True))
    training.check_output(Config(Path(".")))
    training.check_output(Config(Path("../other"), restart=True))


def test_an_output_that_is_a_file_or_below_one(folder: Path) -> None:
    file, before = folder / "runs" / "train.tsv", all_paths(folder)
    for output in (file, file / "run", file / "run" / "deep"):
        with pytest.raises(ValueError, match=r"train\.tsv is a file"):
            training.check_output(Config(output))
    (folder / "gone").symlink_to(folder / "nothing")
    with pytest.raises(ValueError, match="gone is a link to nothing"):
        training.check_output(Config(folder / "gone" / "run"))
    with pytest.raises(ValueError, match="`output` must be a folder that can"):
        training.check_output(Config(folder / ("a" * 300)))
    (folder / "gone").unlink()
    assert all_paths(folder) == before


def test_an_output_that_cannot_be_written() -> None:
    # Not in `tmp_path`, which only its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:  # may write everywhere
            os.seteuid(65534)
        try:
            for output in (folder, folder / "runs" / "one"):
                with pytest.raises(ValueError, match="belongs to another user"):
                    training.check_output(Config(output))
        finally:
            if is_root:
                os.seteuid(0)
        folder.chmod(0o755)
        training.check_output(Config(folder / "runs" / "one"))
        assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training.save_json({"rate": 1}, tmp_path / "settings.json")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"`restart` .* able to move.*busy"):
        training.begin_run(".", {"rate": 2}, restart=True)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_a_refused_run_leaves_no_settings(tmp_path: Path) -> None:
    @training.writes_folder
    def main(config: Config) -> None:
        training.begin_run(config.output, {"dim": 33})
        if config.train is not None:
            config.train.write_text("a figure")
        raise ValueError("`dim` must be even")

    output = tmp_path / "run"
    with pytest.raises(ValueError, match="must be even"):
        main(Config(output))
    assert not output.exists()
    # What has begun, or had begun before, stays.
    with pytest.raises(ValueError, match="must be even"):
        main(Config(output, train=output / "log.csv"))
    assert {path.name for path in output.iterdir()} == {
        *("settings.json", "log.csv")
    }
    (output / "log.csv").unlink()
    with pytest.raises(ValueError, match="must be even"):
        main(Config(output))
    assert (output / "settings.json").exists()


def test_a_refused_restart_leaves_no_settings(tmp_path: Path) -> None:
    output = tmp_path / "run"
    training.begin_run(output, {"dim": 32})

    @training.writes_folder
    def main(config: Config) -> None:
        training.begin_run(config.output, {"dim": 33}, restart=True)
        raise ValueError("`dim` must be even")

    with pytest.raises(ValueError, match="must be even"):
        main(Config(output))
    assert not (output / "settings.json").exists()
    # The old run is where the message said.
    old = (tmp_path / "run.old-1" / "settings.json").read_text("utf-8")
    assert '"dim": 32' in old


def test_of_many_differences_the_first_are_told(tmp_path: Path) -> None:
    training.begin_run(tmp_path, {name: 1 for name in "abcdefgh"})
    with pytest.raises(ValueError) as refusal:
        training.begin_run(tmp_path, {name: 2 for name in "abcdefgh"})
    message = str(refusal.value)
    assert message.count(";") == 1 + 6 and message.endswith("; and 2 others")
    with pytest.raises(ValueError) as refusal:
        training.begin_run(tmp_path, {name: 2 for name in "abcdefg"} | {"h": 1})
    assert "others" not in str(refusal.value)
