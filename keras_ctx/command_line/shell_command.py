"""Commands as a user types them."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def export_command(model: Path, kind: str | None = None) -> list[Any]:
    """The words of the command that exports a model, for `closing`.

    Args:
        model: Folder of a run, or of a checkpoint.
        kind: What is exported, where it is no task model: "encoder",
            "embedder" or "fill_mask".

    Example:
        >>> [str(word) for word in export_command(Path("runs/one"))][-2:]
        ['--output', 'saved_models/one']
    """
    output = Path("saved_models") / (model.name or model.resolve().name)
    kinds = [] if kind is None else ["--kind", kind]
    words = ["export_saved_model.py", *kinds, "--model", model]
    return [*words, "--output", output]


def recipe_words(words: Sequence[Any]) -> list[str]:
    """A command whose first word may be the file name of a recipe, quoted.

    Args:
        words: Texts, paths and numbers. A first word such as "predict.py"
            becomes Python, as this process was started, and the recipe beside
            the one that is running.

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
    r"""The lines of a command; where it is long, an option a line.

    Args:
        words: Of the command, as a shell reads them: quoted where they must.
        width: Columns of a line, if the words allow it.

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
        is_option = re.match("--?[A-Za-z]", word) is not None
        if is_option or word in ("<", ">", "|"):
            lines[-1] += " \\"
            lines.append(f"  {word}")
        else:
            lines[-1] += f" {word}"
    return lines


def _python() -> str:
    """`python`, where that is the one that is running; else its path."""
    found = shutil.which("python")
    running = Path(sys.executable)
    # Not where its links lead: an environment links to Python outside of it.
    if found is not None and Path(found).parent == running.parent:
        return "python"
    return _short(running)


def _recipe(name: str) -> str:
    running = getattr(sys.modules["__main__"], "__file__", None) or ""
    beside = Path(os.path.abspath(running)).with_name(name)
    return _short(beside) if beside.exists() else f"recipes/{name}"


def _short(path: Path) -> str:
    """From the working directory, where the path is in it."""
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)
