"""What `--help` says of each option, as a reader finds it."""

import pytest
import tyro


def help_entries(
    config: type, capsys: pytest.CaptureFixture
) -> tuple[str, list[str]]:
    """All of it, and one line an option: its name, its type, its sentence."""
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
