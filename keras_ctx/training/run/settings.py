"""Begins a run: records its settings and data, or checks them."""

import itertools
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from keras_ctx.files.earlier_names import with_names_of_today
from keras_ctx.files.json_text import json_text, load_object_file
from keras_ctx.files.output_lock import LOCK, move_lock
from keras_ctx.settings_diff import differences
from keras_ctx.training.distribution.consensus import chiefs_number
from keras_ctx.training.distribution.workers import is_chief
from keras_ctx.training.run.folder import SETTINGS, save_json

# Differences from an earlier run that a refusal tells.
_MOST_TOLD = 6


def begin_run(
    folder: str | Path,
    settings: dict[str, Any],
    digests: dict[str, str] | None = None,
    *,
    restart: bool = False,
    strategy: Any = None,
) -> None:
    """Records the settings and data of a run, or compares them.

    A run resumes, and a finished run reports its results, only with the same
    settings, data and weights. Of several workers the first one compares and
    writes, and the others wait for it.

    Args:
        folder: Folder of the run; `settings.json` in it is written when the
            run begins.
        settings: Settings as values of JSON, without the paths of files in
            `digests`.
        digests: Digests of all inputs, from `input_digests`; `None`: the run
            has no inputs.
        restart: Whether to move an existing run to `folder.old-1` (or the
            next free number), and to start again.
        strategy: The strategy of the model, if several workers train.

    Raises:
        ValueError: The folder contains a run with other settings or data.
            Nothing is written or moved. (Other data are allowed as long as
            the run has written nothing but its settings.)

    Example:
        >>> begin_run("runs/begun", {"rate": 0.1})
        >>> begin_run("runs/begun", {"rate": 0.1})
        >>> begin_run("runs/begun", {"rate": 0.2})
        Traceback (most recent call last):
        ValueError: `folder` holds a run of other settings: ...
        >>> begin_run("runs/begun", {"rate": 0.2}, restart=True)
        runs/begun: the run that was there is now in ...
        >>> Path("runs/begun.old-1/settings.json").exists()
        True
    """
    if is_chief():
        _begin(Path(folder), settings, digests or {}, restart)
    chiefs_number(0.0, strategy)  # waits until the first has written


def _begin(
    folder: Path, settings: dict[str, Any], digests: dict, restart: bool
) -> None:
    if restart and folder.is_dir() and set(os.listdir(folder)) - {LOCK}:
        _move_away(folder)
    path = folder / SETTINGS
    # As in the file: paths are strings, tuples are lists.
    written = {**settings, **({"digests": digests} if digests else {})}
    written = json.loads(json_text(written))
    if path.exists():
        there = with_names_of_today(load_object_file(path))
        differing = _differences(there, written)
    elif (folder / "results.json").exists():
        there = {}
        differing = [f"results.json without the {path.name} of its run"]
    else:
        there, differing = written, []
        save_json(written, path)
    if differing and _same_settings(there, written) and is_fresh(folder):
        save_json(written, path)  # a file was corrected before the first step
    elif differing:
        raise ValueError(
            f"`folder` holds a run of other settings: {folder}. Give another "
            "folder; or --restart (`restart=True`), which moves that run to "
            f"{_free_name(folder)} and starts again. "
            f"Received: {_first(differing)}"
        )


def _first(differing: list[str]) -> str:
    """Joins sentences; the run of another recipe differs in all settings."""
    others = len(differing) - _MOST_TOLD
    told = differing if others <= 1 else differing[:_MOST_TOLD]
    return "; ".join(told) + (f"; and {others} others" if others > 1 else "")


def _move_away(folder: Path) -> None:
    new = _free_name(folder)
    try:
        folder.rename(new)
    except OSError as error:  # such as a mounted disk, another user's folder
        raise ValueError(
            f"`restart` must be able to move `folder` to {new}. Give another "
            f"folder, or move it yourself. Received: {error}"
        ) from error
    move_lock(new, Path(os.path.abspath(folder)))
    print(f"{folder}: the run that was there is now in {new}.")


def _differences(there: dict[str, Any], now: dict[str, Any]) -> list[str]:
    there, now = dict(there), dict(now)
    before, after = there.pop("digests", {}), now.pop("digests", {})
    found = differences(there, now)
    if after and not before:
        return [*found, "a run of a version without digests of its data"]
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if name == "library" and old != new:
            found.append(f"version of keras_ctx: {old} there, {new} now")
        elif old != new:
            found.append(
                f"`{name}` has other content: SHA-256 {_short(old)} there, "
                f"{_short(new)} now"
            )
    return found


def _same_settings(there: dict[str, Any], now: dict[str, Any]) -> bool:
    return not differences({**there, "digests": 0}, {**now, "digests": 0})


def is_fresh(folder: Path) -> bool:
    """Returns whether the run has written nothing but its settings."""
    return all(
        path.name in (SETTINGS, LOCK)
        or "tensorboard" in path.parts
        or not path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    )


def _short(digest: str | None) -> str:
    return "of nothing" if digest is None else f"{digest[:12]}..."


def _free_name(folder: Path) -> Path:
    folder = Path(os.path.abspath(folder))  # "." has no name
    names = (
        folder.with_name(f"{folder.name}.old-{number}")
        for number in itertools.count(1)
    )
    return next(name for name in names if not name.exists())


# The output of a run, and settings that do not change its results.
_FREE = {
    *("output", "restart", "strategy"),
    *("checkpoint_steps", "loss_spike", "profile"),
}


def settings_of(config: Any, *free: str) -> dict[str, Any]:
    """Returns the settings that the results of a recipe depend on.

    Give them to `begin_run`. Paths are left out: `input_digests` covers the
    content of the files.

    Args:
        config: A dataclass. Its `output`, `restart`, `strategy`,
            `checkpoint_steps`, `loss_spike` and `profile` do not change the
            results and are left out, too.
        free: Names of other such fields.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     train: Path = Path("train.tsv")
        ...     output: Path = Path("runs/one")
        ...     rate: float = 0.1
        ...     seeds: tuple[int, ...] = (1, 2)
        >>> settings_of(Config(), "seeds")
        {'rate': 0.1}
    """
    return {
        name: value
        for name, value in asdict(config).items()
        if name not in {*_FREE, *free} and not isinstance(value, Path)
    }


def begin_recipe(
    config: Any,
    digests: dict[str, str],
    *free: str,
    strategy: Any = None,
) -> None:
    """Begins the run of a recipe: `begin_run` with the settings of `config`.

    Args:
        config: A dataclass with `output` and `restart`; see `settings_of`.
        digests: Digests of all inputs, from `input_digests`.
        free: Names of fields that do not change the results.
        strategy: The strategy of the model, if several workers train.

    Raises:
        ValueError: As for `begin_run`.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     output: Path = Path("runs/recipe")
        ...     restart: bool = False
        ...     rate: float = 0.1
        >>> begin_recipe(Config(), {})
        >>> begin_recipe(Config(rate=0.2), {})
        Traceback (most recent call last):
        ValueError: `folder` holds a run of other settings: ...
    """
    begin_run(
        config.output,
        settings_of(config, *free),
        digests,
        restart=config.restart,
        strategy=strategy,
    )
