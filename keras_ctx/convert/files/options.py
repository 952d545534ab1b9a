"""Reads and checks a JSON file of options with a table of rules."""

import json
import math
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ctx.files.existing_file import check_file
from keras_ctx.files.json_text import load_json

REQUIRED = object()


@dataclass(frozen=True)
class Rule:
    """The requirement on a value, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]
    most: int | None = None
    """The maximum of a number, for error messages."""


@dataclass(frozen=True)
class Option:
    """A pair of a key in a file and an argument of our models."""

    key: str
    argument: str
    rule: Rule
    default: Any = REQUIRED
    """The value of an absent or null key, as in the original library."""


# TensorFlow's maximum of a dimension; and a maximum number of blocks, each of
# which takes time to build even if the weights lack it. Published models have
# up to 48.
_MOST, _MOST_PARTS = 2**63 - 1, 1000


def is_int(value: Any, least: int = 1, most: int = _MOST) -> bool:
    # JSON's true is an `int` in Python.
    return type(value) is int and least <= value <= most


def is_number(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # The integer is too large for a float.
        return False


COUNT = Rule("an integer of at least 1", is_int, _MOST)
PARTS = Rule(
    "an integer of at least 1",
    lambda value: is_int(value, 1, _MOST_PARTS),
    _MOST_PARTS,
)
PARTS_OR_NONE = Rule(
    "an integer of at least 0",
    lambda value: is_int(value, 0, _MOST_PARTS),
    _MOST_PARTS,
)
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
POSITIVE = Rule(
    "a number above 0", lambda value: is_number(value) and value > 0
)
RATE = Rule(
    "a rate of at least 0 and below 1",
    lambda value: is_number(value) and 0 <= value < 1,
)


def only(key: str, wanted: Any) -> Option:
    """Returns an option of which only one value can be loaded.

    An absent key has this value.
    """
    return Option(
        key,
        key,
        Rule(
            f"{json.dumps(wanted)}: no other is supported",
            lambda value: type(value) is type(wanted) and value == wanted,
        ),
        wanted,
    )


def read_json(path: Path, argument: str) -> dict[str, Any]:
    """Reads a JSON object; error messages name the caller's `argument`."""
    check_file(path, argument)
    try:
        content = load_json(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # The file is not JSON or not UTF-8.
        raise ValueError(
            f"`{argument}` must be JSON in UTF-8. Check that it is the "
            "options file and complete. "
            f"Received: {argument}={str(path)!r}: {error}"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f"`{argument}` must hold one JSON object. Received: "
            f"{argument}={str(path)!r}, {type(content).__name__}"
        )
    return content


def member(content: dict[str, Any], key: str, kind: type, path: Path) -> Any:
    """Returns a list or an object of a JSON file, empty if it is absent."""
    value = content.get(key)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        words = "an object" if kind is dict else "a list"
        raise ValueError(
            f"{path}: `{key}` must be {words}. "
            f"Received: {reprlib.repr(value)}. Get the file again."
        )
    return value


def read_table(
    content: dict[str, Any], table: Sequence[Option]
) -> tuple[dict[str, Any], list[str]]:
    """Reads the arguments of a table, and lists all problems with them."""
    arguments, problems = {}, []
    for option in table:
        value, problem = _value(content, option)
        arguments[option.argument] = value
        problems.extend([problem] if problem else [])
    return arguments, problems


def _value(content: dict[str, Any], option: Option) -> tuple[Any, str | None]:
    """Returns the value of an option, and its problem if any."""
    value: Any = content
    parts = option.key.split(".")
    for depth, part in enumerate(parts):
        if not isinstance(value, dict):
            block = ".".join(parts[:depth])
            return None, (
                f"`{block}` must be an object, for `{option.key}`. "
                f"Received: {reprlib.repr(value)}"
            )
        if part not in value and option.default is REQUIRED:
            return None, (
                f"`{option.key}` must be {option.rule.words}. It is missing"
            )
        value = value.get(part)
        if value is None and option.default is not REQUIRED:
            return option.default, None
    if not option.rule.holds(value):
        most = option.rule.most
        if type(value) is int and most is not None and value > most:
            return None, (
                f"`{option.key}` must be at most {most}. "
                f"Received: {reprlib.repr(value)}"
            )
        return None, (
            f"`{option.key}` must be {option.rule.words}. "
            f"Received: {reprlib.repr(value)}"
        )
    return value, None
