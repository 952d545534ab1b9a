"""The results of a finished run: `results.json`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from keras_ctx.files.json_text import load_object_file
from keras_ctx.training.run.folder import save_json


def save_results(config: Any, results: dict[str, Any]) -> Path:
    """Writes `config.output / "results.json"`: the results and all settings.

    Args:
        config: The settings of a recipe, a dataclass.
        results: The results, as values of JSON.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     output: Path = Path("runs/one")
        >>> save_results(Config(), {"f1": 0.5}).name
        'results.json'
    """
    content = {"results": results, "config": asdict(config)}
    return save_json(content, config.output / "results.json")


def ended_run(folder: str | Path, *files: str) -> dict[str, Any] | None:
    """Returns the results of a finished run, and prints that it has ended.

    Args:
        folder: Folder of the run, after `begin_run`, so that the settings and
            data are the same.
        files: Names of files that it must contain beside `results.json`.

    Returns:
        The `results` in `results.json`, or `None` if the run has not ended.

    Example:
        >>> ended_run("a folder that is not there") is None
        True
    """
    path = Path(folder) / "results.json"
    if not all((Path(folder) / name).exists() for name in (path.name, *files)):
        return None
    print(f"{folder}: this run has ended; --restart starts it again.")
    return load_object_file(path, "results")["results"]


def seconds_before(folder: str | Path) -> float:
    """Returns the seconds of earlier starts of a run, from its results.

    Args:
        folder: Folder of the run; without `results.json` the result is 0.

    Example:
        >>> seconds_before("a folder that is not there")
        0.0
    """
    path = Path(folder) / "results.json"
    if not path.exists():
        return 0.0
    results = load_object_file(path, "results")["results"]
    try:
        return float(results["seconds"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: `results` must have `seconds`, a number. Start the run "
            f"again with --restart. Received: {str(results)[:100]}"
        ) from error
