"""Formats commands as a user types them."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_OPTION = re.compile("--|-[A-Za-z]$")


def export_command(model: Path, kind: str | None = None) -> list[Any]:
    """Returns the words of the command that exports a model, for `closing`.

    Args:
        model: Folder of a run or a checkpoint.
        kind: What to export, such as "encoder" or "generate"; `None` for a
            task model.

    Example:
        >>> [str(word) for word in export_command(Path("runs/one"))][-2:]
        ['--output', 'saved_models/one']
    """
    output = Path("saved_models") / (model.name or model.resolve().name)
    kinds = [] if kind is None else ["--kind", kind]
    words = ["export_saved_model.py", *kinds, "--model", model]
    return [*words, "--output", output]


def recipe_words(words: Sequence[Any]) -> list[str]:
    """Returns the quoted words of a command, with the path of its recipe.

    Args:
        words: Texts, paths and numbers. A first word such as "predict.py"
            becomes the Python that runs this process, and the path of that
            recipe, beside the running one.

    Example:
        >>> recipe_words(["ls", Path("my runs")])
        ['ls', "'my runs'"]
        >>> recipe_words(["predict.py", "--model", "runs/one"])[-2:]
        ['--model', 'runs/one']
    """
    first, *others = map(str, words)
    command = [first]
    if first.endswith(".py") and Path(first).name == first:
        command = [_python(), _recipe(first)]
    return [shlex.quote(word) for word in [*command, *others]]


def wrapped_command(words: Sequence[str], width: int) -> list[str]:
    r"""Splits a long command into lines, one option a line.

    Args:
        words: Words of the command, quoted for a shell.
        width: Longest line in columns; a single word may be longer.

    Example:
        >>> wrapped_command(["ls", "'my runs'"], 20)
        ["ls 'my runs'"]
        >>> print(*wrapped_command(["x.py", "--a", "1", "--b", "2"], 12),
        ...       sep="\n")
        x.py \
          --a 1 \
          --b 2
    """
    whole = " ".join(words)
    if len(whole) <= width:
        return [whole]
    lines = [words[0]]
    for word in words[1:]:
        if _OPTION.match(word) or word in ("<", ">", "|"):
            lines[-1] += " \\"
            lines.append(f"  {word}")
        else:
            lines[-1] += f" {word}"
    return lines


def _python() -> str:
    """Returns `python` if that runs this process, else the path of Python."""
    found = shutil.which("python")
    running = Path(sys.executable)
    # Links are not followed: an environment links to a Python outside it.
    if found is not None and Path(found).parent == running.parent:
        return "python"
    return _short(running)


def _recipe(name: str) -> str:
    running = getattr(sys.modules["__main__"], "__file__", None) or ""
    beside = Path(os.path.abspath(running)).with_name(name)
    return _short(beside) if beside.exists() else f"recipes/{name}"


def _short(path: Path) -> str:
    """Returns the path relative to the working directory, if it is inside."""
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)
