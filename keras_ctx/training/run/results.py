"""The figures of a run that has ended: `results.json`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from keras_ctx.files.json_text import load_object_file
from keras_ctx.training.run.folder import save_json


def save_results(config: Any, results: dict[str, Any]) -> Path:
    """Writes `config.output / "results.json"`: the figures and all settings.

    Args:
        config: The dataclass of a recipe.
        results: As JSON.

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
    """Returns the results of a run that has ended, or `None`; says that it has.

    Args:
        folder: Of the run, after `begin_run`, so that they are of the same
            settings and data.
        files: Names of what it must have left beside `results.json`.

    Returns:
        The `results` in `results.json`.

    Example:
        >>> ended_run("a folder that is not there") is None
        True
    """
    path = Path(folder) / "results.json"
    if not all((Path(folder) / name).exists() for name in (path.name, *files)):
        return None
    print(f"{folder}: this run has ended; --restart begins it anew.")
    return load_object_file(path, "results")["results"]


def seconds_before(folder: str | Path) -> float:
    """Seconds that earlier starts of a run have taken, by its results.

    Args:
        folder: Of the run; 0 where it has no `results.json` yet.

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
            f"{path}: `results` must have `seconds`, a number. Begin the run "
            f"anew with --restart. Received: {str(results)[:100]}"
        ) from error
