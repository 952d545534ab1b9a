"""The last lines of a recipe, on wide and narrow terminals."""

import fcntl
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

from keras_ctx.command_line import closing

import pytest

TABLE = [
    ["", "entity F1", "accuracy", "seconds"],
    ["pretrained", 0.390625, "72.1 %", 12345.6],
    ["untrained", None, "8 %", 5],
]
NEXT = [
    *("export_saved_model.py", "--model", Path("my runs/one")),
    *("--output", Path("saved_models/one")),
]


def said(capsys, monkeypatch, columns: int, *arguments) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    closing(*arguments)
    return capsys.readouterr().out.splitlines()


def test_wide_terminal(capsys, monkeypatch) -> None:
    lines = said(capsys, monkeypatch, 120, TABLE, Path("my runs/one"), NEXT)
    assert lines[:6] == [
        "",
        "            entity F1  accuracy  seconds",
        "pretrained     0.3906    72.1 %   12,346",
        "untrained           -       8 %        5",
        "",
        "Made:",
    ]
    assert lines[6:8] == ["  my runs/one", "Next:"]
    assert lines[8].endswith(
        " recipes/export_saved_model.py --model 'my runs/one' "
        "--output saved_models/one"
    )
    assert len(lines) == 9


def test_forty_columns(capsys, monkeypatch) -> None:
    lines = said(capsys, monkeypatch, 39, TABLE, "my runs/one", NEXT)
    assert lines[1:5] == [
        "pretrained",
        "  entity F1: 0.3906",
        "  accuracy: 72.1 %",
        "  seconds: 12,346",
    ]
    # A shell joins the lines of the command.
    command = lines[lines.index("Next:") + 1 :]
    words = [line.strip().removesuffix("\\") for line in command]
    assert shlex.split(" ".join(words))[2:] == list(map(str, NEXT[1:]))
    assert all(line.endswith("\\") for line in lines[-3:-1])
    assert all(len(line) <= 39 for line in lines if ".py" not in line)


def test_labels_of_any_letters(capsys, monkeypatch) -> None:
    rows = [["label", "F1"], ["好", 1.0], ["a\x1b[2J\n", 0.5]]
    lines = said(capsys, monkeypatch, 80, rows, [])
    assert lines[1:4] == [
        "label        F1",
        "好            1",
        r"a\x1b[2J\n  0.5",
    ]


def test_nothing_measured_and_nothing_next(capsys, monkeypatch) -> None:
    made = ["a.json", "b.json"]
    lines = said(capsys, monkeypatch, 80, [], made)
    assert lines == ["", "Made:", "  a.json", "  b.json"]
    assert said(capsys, monkeypatch, 5, [["a long name"]], made)[1] == ""


def test_another_file(capsys) -> None:
    closing(TABLE, "one", file=sys.stderr)
    found = capsys.readouterr()
    assert found.out == "" and "Made:\n  one\n" in found.err


def test_as_wide_as_its_own_terminal(monkeypatch) -> None:
    """Standard output is not a terminal if another program reads it."""
    monkeypatch.delenv("COLUMNS", raising=False)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 30, 0, 0))
    with os.fdopen(theirs, "w") as terminal:
        closing(TABLE, "one", file=terminal)
        shown = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    assert shown[1:3] == ["pretrained", "  entity F1: 0.3906"]


RECIPE = """
from keras_ctx.command_line import closing
closing([], [], ["next.py", "--model", "my run"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("inside", [True, False])
def test_the_command_runs_as_it_is_printed(tmp_path: Path, inside) -> None:
    """Also from another folder, and if `python` is another Python."""
    folder = tmp_path / "my recipes"
    folder.mkdir()
    (folder / "this.py").write_text(RECIPE)
    (folder / "next.py").write_text("import sys, tyro; print(sys.argv[1:])")
    elsewhere = tmp_path if inside else tmp_path / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def output(command, **arguments) -> str:
        return subprocess.run(
            command,
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            **arguments,
        ).stdout

    printed = output([sys.executable, folder / "this.py"])
    command = printed.partition("Next:\n")[2]
    assert (str(tmp_path) in command.replace(sys.executable, "")) != inside
    assert output(command, shell=True) == "['--model', 'my run']\n"
