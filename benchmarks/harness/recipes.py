"""Runs a recipe for a benchmark, once."""

import subprocess
import sys
from pathlib import Path

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def ended_run(recipe: str, output: Path, **options: object) -> Path:
    """Returns the folder of a run; a run that was killed resumes.

    Args:
        recipe: Name of the recipe.
        output: Folder of the run. With `results.json` it has ended.
        **options: Options of the recipe; a tuple has several values, a
            truth value is a flag.
    """
    if not (output / "results.json").exists():
        run_recipe(recipe, **options, output=output)
    return output


def run_recipe(recipe: str, **options: object) -> None:
    """Prints the command of a recipe, and runs it."""
    command = [sys.executable, str(RECIPES / f"{recipe}.py")]
    for name, value in options.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            command.append(f"--{option}" if value else f"--no-{option}")
            continue
        values = value if isinstance(value, tuple) else (value,)
        command += [f"--{option}", *map(str, values)]
    print(" ".join(command), flush=True)
    subprocess.run(command, check=True)
