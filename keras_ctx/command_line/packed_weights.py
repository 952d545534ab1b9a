"""Weights that a program never changes, packed once."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def keep_weights_packed() -> None:
    """Lets TensorFlow pack each weight for its kernels once.

    By default it packs weights at every call. The packed ones take as much
    memory again. Only for programs that never change a weight after the first
    call: one that trains would keep using the first weights. Call it before
    the first model runs. It has an effect on CPUs; an environment variable
    that is already set wins.
    """
    os.environ.setdefault("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "1")


def started_as(script: str | None) -> bool:
    """Returns whether this process runs a script, and ends with it.

    Not in a notebook or another program that runs it, and not under
    `python -i`: there the process may train afterwards.

    Example:
        >>> started_as("another.py")
        False
    """
    if not script or sys.flags.interactive or sys.flags.inspect:
        return False
    started = _script_of(sys.orig_argv[1:])
    return started is not None and started.resolve() == Path(script).resolve()


def _script_of(words: Sequence[str]) -> Path | None:
    """Returns the script that Python's own words name, `None` for -c and -m."""
    words_left = iter(words)
    for word in words_left:
        if not word.startswith("-"):
            return Path(word)
        if word in ("-X", "-W", "--check-hash-based-pycs"):
            next(words_left, None)  # their value
        elif not word.startswith(("-X", "-W", "--")) and set("cm") & {*word}:
            return None
    return None
