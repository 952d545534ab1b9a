"""Reads and writes JSON that every other reader understands.

Python writes and reads the tokens `NaN` and `Infinity`, but they are not JSON
(RFC 8259, section 6), and other readers refuse the whole file. Python also
accepts an object with a repeated key and keeps the last value; other readers
keep the first (section 4).
"""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

_INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}
_TOKENS = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[{}]', re.DOTALL)


def load_json(text: str) -> Any:
    """Reads JSON, and refuses an object with a repeated key.

    Args:
        text: The JSON text.

    Returns:
        As `json.loads`.

    Raises:
        json.JSONDecodeError: A `ValueError` with the line and the column: the
            text is not JSON, is nested too deeply, or an object repeats a
            key.

    Example:
        >>> load_json('{"a": 1, "b": {"a": 2}}')
        {'a': 1, 'b': {'a': 2}}
        >>> load_json('{"a": 1, "a": 2}')
        Traceback (most recent call last):
        json.decoder.JSONDecodeError: the key 'a' stands twice in one object...
    """
    twice = False

    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        found = dict(pairs)
        twice = twice or len(found) < len(pairs)
        return found

    try:
        content = json.loads(text, object_pairs_hook=checked)
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deeply", text, 0) from None
    if twice:
        key, place = _repeated(text)
        raise json.JSONDecodeError(
            f"the key {key!r} stands twice in one object", text, place
        )
    return content


def load_json_file(path: str | Path) -> Any:
    """Reads a JSON file; errors name the file, the line and the column.

    Args:
        path: The file, in UTF-8.

    Returns:
        As `load_json`.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is not UTF-8, or as for `load_json`.

    Example:
        >>> _ = Path("cut_off.json").write_text('{"a": 1,')
        >>> load_json_file("cut_off.json")
        Traceback (most recent call last):
        ValueError: cut_off.json: the file must be whole JSON in UTF-8...
    """
    try:
        return load_json(Path(path).read_text("utf-8"))
    except ValueError as error:  # of JSON or of UTF-8
        raise ValueError(
            f"{path}: the file must be whole JSON in UTF-8. Get it again, or "
            f"write it again with the program that wrote it. Received: {error}"
        ) from error


def load_object_file(path: str | Path, *keys: str) -> dict[str, Any]:
    """Reads a file with one JSON object, as `load_json_file` does.

    Args:
        path: The file, in UTF-8.
        keys: Keys that the object must have.

    Returns:
        The object.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: As for `load_json_file`; or the content is not an object,
            or lacks a key.

    Example:
        >>> _ = Path("list.json").write_text("[1]")
        >>> load_object_file("list.json", "results")
        Traceback (most recent call last):
        ValueError: list.json: the file must hold one JSON object with the...
    """
    content = load_json_file(path)
    if isinstance(content, dict) and content.keys() >= set(keys):
        return content
    rule = f" with the keys {list(keys)}" if keys else ""
    found = (
        f"one with {list(content)[:10]}"
        if isinstance(content, dict)
        else repr(content)[:60]
    )
    raise ValueError(
        f"{path}: the file must hold one JSON object{rule}. Write it again "
        f"with the program that wrote it. Received: {found}"
    )


def json_text(content: Any, indent: int | None = None) -> str:
    """Returns `content` as JSON, with NaN as null and infinities as strings.

    Args:
        content: Nested dicts, lists and tuples of values of JSON, NumPy
            numbers and arrays; anything else, such as a path, is written as
            its `str`.
        indent: As for `json.dumps`.

    Returns:
        One line, or several with `indent`, without a line break at the end.

    Raises:
        ValueError: `content` contains itself.

    Example:
        >>> json_text({"perplexity": math.inf, "loss": [math.nan, 0.5]})
        '{"perplexity": "Infinity", "loss": [null, 0.5]}'
    """
    try:
        plain = _plain(content)
    except RecursionError:
        raise ValueError(
            "`content` must not contain itself. Received: a value nested "
            "without end"
        ) from None
    return json.dumps(
        plain,
        ensure_ascii=False,
        indent=indent,
        default=str,
        allow_nan=False,
    )


def read_figures(text: str) -> Any:
    """Reads numbers that `json_text` has written, also NaN and infinities.

    Args:
        text: JSON of numbers: every null is read as NaN, and the strings
            "Infinity" and "-Infinity" as infinities. The tokens `NaN` and
            `Infinity` of older files are read, too.

    Returns:
        The content that `json_text` was given.

    Example:
        >>> read_figures('{"perplexity": "Infinity", "loss": [null, 0.5]}')
        {'perplexity': inf, 'loss': [nan, 0.5]}
    """
    return _figures(load_json(text))


def read_figures_file(path: str | Path, *keys: str) -> dict[str, Any]:
    """Reads a file with one JSON object of numbers; errors name the file.

    Args:
        path: The file.
        keys: Keys that the object must have.

    Returns:
        As `read_figures`.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: As for `load_object_file`.

    Example:
        >>> _ = Path("scores.json").write_text('{"loss": [null, 0.5]}')
        >>> read_figures_file("scores.json", "loss")
        {'loss': [nan, 0.5]}
    """
    return _figures(load_object_file(path, *keys))


def _repeated(text: str) -> tuple[str, int]:
    """Returns the first repeated key of an object, and its position."""
    objects: list[set[str]] = []
    for token in _TOKENS.finditer(text):
        if token[0] == "{":
            objects.append(set())
        elif token[0] == "}":
            objects.pop()
        elif token[2]:
            key = json.loads(token[1])
            if key in objects[-1]:
                return key, token.start()
            objects[-1].add(key)
    raise AssertionError("no key stands twice")


def _plain(content: Any) -> Any:
    if isinstance(content, np.ndarray | np.generic):
        content = content.tolist()
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        if math.isnan(content):
            return None
        return "Infinity" if content > 0 else "-Infinity"
    return content


def _figures(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _figures(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_figures(value) for value in content]
    if content is None:
        return math.nan
    if isinstance(content, str):
        return _INFINITIES.get(content, content)
    return content
