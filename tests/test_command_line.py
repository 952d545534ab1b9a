"""Endings of a command: one line for a mistake, a traceback for a bug."""

import errno
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from keras_ctx.command_line import run_command

import pytest

from keras_ctx import training

RECIPES = Path(__file__).resolve().parents[1] / "recipes"


@dataclass(frozen=True)
class Config:
    rate: float = 0.1
    steps: int = 1
    output: Path = Path("runs/one")

    def __post_init__(self):
        if self.rate <= 0:
            raise ValueError(
                f"`rate` must be positive.\nReceived: rate={self.rate}"
            )


def ended(main, capsys, *arguments: str) -> tuple[int, str]:
    """Returns the exit status and standard error."""
    with pytest.raises(SystemExit) as end:
        run_command(main, Config, arguments)
    assert isinstance(end.value.code, int)
    return end.value.code, capsys.readouterr().err


def refuses(config: Config) -> None:
    raise ValueError(f"`rate` must be higher. Received: {config.rate}")


def test_settings_come_from_the_command_line() -> None:
    found = []
    run_command(found.append, Config, ["--rate", "0.5"])
    assert found == [Config(rate=0.5)]


def test_a_mistake_is_one_line(capsys) -> None:
    name = Path(__file__).name
    expected = (
        "`--rate` must be higher. Received: 0.1 (--traceback shows where.)"
    )
    assert ended(refuses, capsys) == (2, f"{name}: {expected}\n")
    # Raised by the settings, with a message of two lines.
    status, text = ended(refuses, capsys, "--rate", "0")
    assert status == 2 and text.count("\n") == 1
    assert "must be positive. Received: rate=0.0" in text


def test_a_mistake_that_the_library_finds(tmp_path: Path, capsys) -> None:
    @training.writes_folder
    def main(config: Config) -> None:
        training.begin_run(config.output, {"rate": config.rate})

    arguments = ["--output", str(tmp_path / "run")]
    run_command(main, Config, arguments)
    status, text = ended(main, capsys, *arguments, "--rate", "1")
    assert status == 2 and text.count("\n") == 1
    assert "`folder` holds a run of other settings" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("place", [0, 2])
def test_traceback_shows_it(place: int, capsys) -> None:
    arguments = ["--rate", "1"]
    arguments.insert(place, "--traceback")
    status, text = ended(refuses, capsys, *arguments)
    assert status == 2
    assert text.startswith("Traceback (most recent call last):")
    assert "in refuses" in text and "Received: 1.0" in text


def bug_of_python(config: Config) -> None:
    int("no number")


def bug_in_zip(config: Config) -> None:
    list(zip([1], [], strict=True))


def bug_elsewhere(config: Config) -> None:
    import json

    json.loads("{")  # a ValueError from other code


def bug_of_a_key(config: Config) -> None:
    raise KeyError("rate")


@pytest.mark.parametrize(
    "bug", [bug_of_python, bug_in_zip, bug_elsewhere, bug_of_a_key]
)
def test_a_bug_shows_its_traceback(bug, capsys) -> None:
    status, text = ended(bug, capsys)
    assert status == 1
    assert text.startswith("Traceback (most recent call last):")
    assert f"in {bug.__name__}" in text


def missing_file(config: Config) -> None:
    open("/nowhere/at/all.txt")  # noqa: SIM115


def folder_for_file(config: Config) -> None:
    Path(os.sep).read_text()


def full_disk(config: Config) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "vectors.h5")


@pytest.mark.parametrize(
    ("main", "status", "sentence"),
    [
        (missing_file, 2, "No such file or directory: /nowhere/at/all.txt"),
        (folder_for_file, 2, f"Is a directory: {os.sep}"),
        (full_disk, 1, "No space left on device: vectors.h5"),
    ],
)
def test_what_the_system_says(main, status, sentence, capsys) -> None:
    found, text = ended(main, capsys)
    assert found == status
    assert sentence in text and text.count("\n") == 1


def test_ctrl_c(capsys) -> None:
    def main(config: Config) -> None:
        raise KeyboardInterrupt

    name = Path(__file__).name
    assert ended(main, capsys) == (130, f"{name}: Stopped by Ctrl-C.\n")


def test_an_exit_stays_as_it_is(capsys) -> None:
    def main(config: Config) -> None:
        raise SystemExit(143)

    assert ended(main, capsys) == (143, "")


def test_help_and_unknown_options(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        run_command(refuses, Config, ["--help"])
    assert end.value.code in (0, None)
    shown = capsys.readouterr().out
    assert shown.startswith(f"{(__doc__ or '').strip()}\n\nusage: ")
    assert "--traceback" in shown and "--rate" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--unknown", "1"), ("Unrecognized", "--unknown")),
        (("--rates", "1"), ("--rates", "Perhaps you meant", "--rate FLOAT")),
        (("--rate", "many"), ("`--rate` must be a number.", "'many'")),
        (("--steps", "1.5"), ("`--steps` must be a whole number.", "'1.5'")),
        (("--rate",), ("Missing value", "--rate")),
    ],
)
def test_wrong_options_are_one_line(arguments, words, capsys) -> None:
    status, said = ended(refuses, capsys, *arguments)
    assert status == 2
    (line,) = said.splitlines()
    assert all(word in line for word in words), line
    assert not set(line) & set("│─╭╰")
    assert line.endswith("(--help lists the options.)")


@pytest.mark.parametrize(
    "name", sorted({x.stem for x in RECIPES.glob("*.py")} - {"query"})
)
def test_every_recipe_ends_so(name: str) -> None:
    text = (RECIPES / f"{name}.py").read_text("utf-8")
    start = '\n\nif __name__ == "__main__":\n    run_command(main, Config'
    # Which ones have `fixed_weights`: tests/command_line.
    assert text.endswith((f"{start})\n", f"{start}, fixed_weights=True)\n"))


@pytest.mark.slow
def test_recipe_as_a_process(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, RECIPES / "score_corpus.py"]
        + ["--corpus", tmp_path / "none.txt", "--output", tmp_path / "out"],
        env={**os.environ, "PYTHONPATH": str(RECIPES.parent)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr
    last = finished.stderr.strip().splitlines()[-1]
    assert last.startswith("score_corpus.py: ")
    assert "none.txt" in last
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_standard_output_that_is_full() -> None:
    # The rest of a buffer is written at exit, where Python would only report an
    # ignored exception.
    program = """
import dataclasses
from keras_ctx.command_line import run_command
@dataclasses.dataclass
class Config:
    rate: float = 0.1
run_command(lambda config: print(config.rate), Config)
"""
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == 1
    assert "No space left on device. Make room" in ended.stderr
    assert "ignored" not in ended.stderr
    assert "Traceback" not in ended.stderr
