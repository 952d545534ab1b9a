"""Runs a recipe as a command: its exit status and its error messages."""

import contextlib
import dis
import io
import os
import re
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from keras_ctx.command_line.help_page import help_page
from keras_ctx.command_line.kept_memory import keep_freed_memory
from keras_ctx.command_line.option_names import with_options
from keras_ctx.command_line.other_recipes import advice
from keras_ctx.command_line.packed_weights import (
    keep_weights_packed,
    started_as,
)

from keras_ctx.extras import need
from keras_ctx.files.whole_file import FULL_DISK

_LIBRARY = Path(__file__).resolve().parents[1]
_RAISE = dis.opmap["RAISE_VARARGS"]
# Errors of the system about files that a command names.
_WRONG_PATHS = (
    *(FileNotFoundError, FileExistsError, PermissionError),
    *(IsADirectoryError, NotADirectoryError),
)
SHOW = "--traceback"
# What tyro says, with Python's words, about an option that is no number.
_NO_NUMBER = re.compile(
    r"Error parsing (--[\w-]+): (?:(invalid literal for int\(\) with base 10)"
    r"|could not convert string to float): ('.*?')"
)
_TRACEBACK = f"{SHOW} shows where a mistake is."


def run_command(
    main: Callable[[Any], Any],
    config: type,
    arguments: Sequence[str] | None = None,
    fixed_weights: bool = False,
) -> None:
    """Calls `main` with the settings of the command line; may end the process.

    A user's mistake prints one line on standard error, without a traceback: an
    error raised by this library or the recipe, or a system error about a file.
    Any other error is a bug and shows its traceback.

    Exit status: 0 after success; 1 after a bug or a system failure, such as a
    full disk; 2 after a user's mistake; 130 after Ctrl-C.

    Args:
        main: The main function of the recipe; it takes a `config`.
        config: The dataclass of its settings.
        arguments: The words of the command line. Defaults to those of this
            process. `--traceback` anywhere among them also shows the traceback
            of a user's mistake.
        fixed_weights: Whether the recipe never changes a weight that a model
            has used, so that TensorFlow may keep it packed. It does if the
            process was started to run the recipe.

    Raises:
        SystemExit: The command has failed; its code is the exit status.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     rate: float = 0.1
        >>> def main(config):
        ...     print(config.rate)
        >>> run_command(main, Config, ["--rate", "0.2"])
        0.2
    """
    recipe = sys.modules[config.__module__]
    if started_as(getattr(recipe, "__file__", None)):
        keep_freed_memory()
        if fixed_weights:
            keep_weights_packed()
    words = list(sys.argv[1:] if arguments is None else arguments)
    show = SHOW in words
    words = [word for word in words if word != SHOW]
    given = None
    try:
        need("Recipes need", "tyro")
        import tyro

        with _in_one_line(recipe, words):
            if not {"-h", "--help"}.isdisjoint(words):
                # Printed here because tyro would join its lines.
                print(_help_page(recipe))
            given = tyro.cli(
                _unchecked(config),
                prog=_file(recipe).name,
                args=words,
                description=textwrap.fill(
                    _TRACEBACK, shutil.get_terminal_size().columns
                ),
            )
        with _plain_progress():
            main(
                config(
                    **{x.name: getattr(given, x.name) for x in fields(config)}
                )
            )
        sys.stdout.flush()  # reports a full disk here, not after the end
    except KeyboardInterrupt:
        if show:
            raise
        _say(recipe, "Stopped by Ctrl-C.")
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        code = exit_code(error, recipe)
        if code is None or show:
            # Printed as Python does, but with our exit status.
            sys.excepthook(type(error), error, error.__traceback__)
            sys.exit(code or 1)
        said = with_options(_sentence(error), config, given)
        _say(recipe, f"{said} ({SHOW} shows where.)")
        sys.exit(code)


@contextlib.contextmanager
def _plain_progress() -> Iterator[None]:
    """Prints each Keras progress bar as one line in a file or pipe.

    On Linux, Keras treats any output as a terminal and writes backspaces.
    """
    if "keras" not in sys.modules or sys.stdout.isatty():
        yield
        return
    progbar = sys.modules["keras"].utils.Progbar
    init = progbar.__init__

    def plain(self, target, width=20, verbose=1, *args, **kwargs):
        init(self, target, width, min(2 * verbose, 2), *args, **kwargs)

    progbar.__init__ = plain
    try:
        yield
    finally:
        progbar.__init__ = init


@contextlib.contextmanager
def _in_one_line(recipe: ModuleType, words: Sequence[str]) -> Iterator[None]:
    """Prints tyro's boxed message about wrong options as one line."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            yield
    except SystemExit as end:
        if end.code in (0, None):  # --help
            raise
        text = _NO_NUMBER.sub(_must_be, _unboxed(said.getvalue()))
        if "Unrecognized" in text:
            text += advice(words, _file(recipe))
        _say(recipe, f"{text} (--help lists the options.)")
        sys.exit(2)


def _must_be(found: re.Match) -> str:
    """Returns the rule for a number, instead of the words of Python."""
    option, whole, text = found.groups()
    kind = "a whole number" if whole else "a number"
    return f"`{option}` must be {kind}. Received: {text}"


def _unboxed(text: str) -> str:
    """Returns the message in a box, without frame and pointer to the help."""
    parts = [""]
    for line in text.splitlines()[1:-1]:
        line = line.strip("│| ")
        if set(line) <= set("─-"):
            parts.append("")
        else:
            parts[-1] += f" {line}"
    kept = [x.strip() for x in parts if not x.strip().startswith("For full")]
    return ". ".join(x.removesuffix(".") for x in kept if x) + "."


def _unchecked(config: type) -> type:
    """Returns the settings without checks: tyro would box their messages."""
    content = {
        "__post_init__": lambda self: None,
        "__module__": config.__module__,
        "__doc__": config.__doc__,
    }
    return type(config.__name__, (config,), content)


def exit_code(error: BaseException, recipe: ModuleType) -> int | None:
    """Returns the exit status after a user's mistake; `None` for a bug.

    Args:
        error: The error that ended the command.
        recipe: The module of the recipe.
    """
    if isinstance(error, _WRONG_PATHS):
        return 2
    if isinstance(error, OSError):  # a full disk, a stopped server
        return 1
    if not _is_raised_by(error.__traceback__, recipe):
        return None
    if isinstance(error, ValueError | TypeError | ImportError):
        return 2
    # Training diverged, or this machine lacks something.
    known = ArithmeticError | RuntimeError
    return 1 if isinstance(error, known) else None


def _is_raised_by(traceback: TracebackType | None, recipe: ModuleType) -> bool:
    """Returns whether a `raise` of the library or the recipe raised an error.

    The same type from elsewhere, or from an expression such as `int("x")`, is
    a bug.
    """
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    if code.co_code[traceback.tb_lasti] != _RAISE:
        return False
    file = Path(code.co_filename).resolve()
    return _LIBRARY in file.parents or file == _file(recipe)


def _file(recipe: ModuleType) -> Path:
    # A notebook has none.
    return Path(getattr(recipe, "__file__", None) or "recipe").resolve()


def _help_page(recipe: ModuleType) -> str:
    width = shutil.get_terminal_size().columns
    return f"{help_page(recipe.__doc__ or '', width)}\n"


def _sentence(error: BaseException) -> str:
    """Returns the message of an error on one line."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror  # without its number
        if error.filename:
            text += f": {error.filename}"
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        text += ". Make room, and start the same command again."
    return " ".join(text.split()) or type(error).__name__


def _say(recipe: ModuleType, text: str) -> None:
    try:
        sys.stdout.flush()
    except OSError:
        # Full or closed. Python would report it again on exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"{_file(recipe).name}: {text}", file=sys.stderr)
