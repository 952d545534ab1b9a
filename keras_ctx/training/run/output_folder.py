"""Checks and locks the output of a run before any work."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from keras_ctx.files.output_lock import output_lock
from keras_ctx.training.distribution.workers import workers
from keras_ctx.training.run.folder import SETTINGS
from keras_ctx.training.run.settings import is_fresh

_Result = TypeVar("_Result")
_Main = Callable[[Any], _Result]


def writes_folder(main: _Main[_Result]) -> _Main[_Result]:
    """Locks the folder `config.output` while `main(config)` runs.

    A second run with the same folder is refused before it does anything. The
    system releases the lock when the process ends, however it ends. Of
    several workers of one run, which share the folder, the first one locks.
    If a new run is refused before it has written anything else, its settings
    are removed.

    Args:
        main: The main function of a recipe; its `config` has `output`, and
            `strategy` if it trains with several workers.

    Raises:
        ValueError: In the call: another run has the lock (the message says
            which process, on which machine and since when), or the folder
            cannot be written.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     output: Path = Path("runs/alone")
        >>> @writes_folder
        ... def main(config):
        ...     return main(config)  # a second run before the first has ended
        >>> main(Config())
        Traceback (most recent call last):
        ValueError: `output` must be written by one run at a time. ...
    """

    @wraps(main)
    def locked(config: Any) -> _Result:
        several = getattr(config, "strategy", None) == "multi_worker"
        if several and workers()[1] > 0:
            return main(config)
        with output_lock(config.output), _no_refused_run(config.output):
            return main(config)

    return locked


@contextmanager
def _no_refused_run(folder: Path) -> Iterator[None]:
    """Removes the settings of a new run that is refused before its work.

    They would refuse the corrected command as a run of other settings.
    """
    before = _inode(folder / SETTINGS)
    try:
        yield
    except (ValueError, FileNotFoundError):
        # With `restart`, those of the old run were moved away.
        is_new = _inode(folder / SETTINGS) != before
        if is_new and is_fresh(folder):
            for path in folder.rglob(SETTINGS):
                path.unlink()
        raise


def _inode(path: Path) -> int | None:
    """Returns the number of the file, `None` if there is none."""
    try:
        return path.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None


def writes_file(main: _Main[_Result]) -> _Main[_Result]:
    """Locks the file `config.output` while `main(config)` runs.

    It works as `writes_folder`; `None` is the standard output, which has no
    lock.

    Args:
        main: The main function of a recipe.

    Raises:
        ValueError: In the call: another run writes the file, or it cannot be
            written.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     output: Path | None = None
        >>> writes_file(lambda config: 7)(Config())
        7
    """

    @wraps(main)
    def locked(config: Any) -> _Result:
        if config.output is None:
            return main(config)
        with output_lock(config.output, is_file=True):
            return main(config)

    return locked


def check_output(config: Any) -> None:
    """Refuses an `output` that cannot be written, or that is an input.

    `restart` moves the old folder away with all its content, so it must not
    contain an input of the run.

    Args:
        config: Settings of a recipe, a dataclass. The recipe writes to
            `output`, `restart` says whether to move an existing run away, and
            every other path is an input.

    Raises:
        ValueError: `output` or a folder above it is a file, a broken link or
            not writable; `output` is an input; or `restart` would move an
            input or the working directory, which is in `output`.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     init: Path = Path("runs/bert")
        ...     output: Path = Path("runs")
        ...     restart: bool = True
        >>> check_output(Config())
        Traceback (most recent call last):
        ValueError: `restart` would move `init`, which is in `output`, ...
    """
    output = Path(config.output)
    check_writable(output=output)
    for name, path in _inputs(config):
        if _places(path) & _places(output) and not path.is_file():
            raise ValueError(
                f"`output` must be another folder than `{name}`, which is "
                f"read. Received: output={str(output)!r}, "
                f"{name}={str(path)!r}"
            )
        if getattr(config, "restart", False) and _is_in(path, output):
            raise ValueError(
                f"`restart` would move `{name}`, which is in `output`, and "
                "the run could not read it. Give another `output`. Received: "
                f"output={str(output)!r}, {name}={str(path)!r}"
            )
    if getattr(config, "restart", False) and _is_in(Path.cwd(), output):
        raise ValueError(
            "`restart` would move the working directory, which is in "
            "`output`. Give another `output`. Received: "
            f"output={str(output)!r}"
        )


def check_writable(**folders: Path) -> None:
    """Refuses folders that cannot be written, given by their arguments' names.

    Raises:
        ValueError: One, or a folder above it, is a file, a broken link or not
            writable.

    Example:
        >>> _ = Path("a file").write_text("")
        >>> check_writable(runs=Path("a file/runs"))
        Traceback (most recent call last):
        ValueError: `runs` must be a folder, or a new one. ... is a file. ...
    """
    for name, folder in folders.items():
        try:
            _check_writable(name, folder)
        except OSError as error:  # for example, the name is too long
            raise ValueError(
                f"`{name}` must be a folder that can be written. "
                f"Received: {name}={str(folder)!r}: {error}"
            ) from error


def _check_writable(name: str, folder: Path) -> None:
    there = Path(os.path.abspath(folder))
    while not _exists(there):
        there = there.parent
    if not there.is_dir():
        kind = "is a file" if there.exists() else "is a link to nothing"
        raise ValueError(
            f"`{name}` must be a folder, or a new one. {there} {kind}. Give "
            f"another folder. Received: {name}={str(folder)!r}"
        )
    effective = os.access in os.supports_effective_ids
    if not os.access(there, os.W_OK | os.X_OK, effective_ids=effective):
        raise ValueError(
            f"`{name}` must be a folder that can be written. {there} cannot: "
            "it belongs to another user, or is read-only. Give another "
            f"folder. Received: {name}={str(folder)!r}"
        )


def _exists(path: Path) -> bool:
    """Returns whether a path exists, also as a broken link."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _inputs(config: Any) -> Iterator[tuple[str, Path]]:
    """Yields the paths of a configuration with their names."""
    for field in fields(config):
        value = getattr(config, field.name)
        values = value if isinstance(value, tuple | list) else (value,)
        for each in values:
            if field.name != "output" and isinstance(each, Path):
                yield field.name, each


def _places(path: Path) -> set[Path]:
    """Returns the absolute path as written, and with links resolved."""
    return {Path(os.path.abspath(path)), Path(os.path.realpath(path))}


def _is_in(path: Path, folder: Path) -> bool:
    """Returns whether moving the folder would move or break the path."""
    return not _places(folder).isdisjoint(_passed(path))


def _passed(path: Path) -> set[Path]:
    """Returns all folders on the way to a path, also through its links."""
    passed: set[Path] = set()
    ways = [Path(os.path.abspath(path))]
    for way in ways:
        for place in (way, *way.parents):
            # Each link only once, since links may form a cycle.
            if place.is_symlink() and place not in passed:
                target = place.parent / place.readlink()
                ways.append(
                    Path(os.path.abspath(target / way.relative_to(place)))
                )
        passed |= {way, *way.parents}
    return passed
