"""Reads the text of `--help` for each option."""

import pytest
import tyro


def help_entries(
    config: type, capsys: pytest.CaptureFixture
) -> tuple[str, list[str]]:
    """Returns the whole text, and one line per option: name, type, sentence."""
    with pytest.raises(SystemExit, match="^0$"):
        tyro.cli(config, args=["--help"])
    shown = capsys.readouterr().out
    entries: list[str] = []
    for line in shown.splitlines():
        line = line.strip("│ ")
        if line.startswith("--"):
            entries.append(line)
        elif entries:
            entries[-1] += f" {line}"
    return shown, entries
