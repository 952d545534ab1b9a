"""Files of JSON, plain or compressed, whose errors name the position."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.data.readers.compressed import open_file, whole_stream
from keras_ctx.data.readers.lines import is_blank, is_text
from keras_ctx.files.existing_file import check_file
from keras_ctx.files.json_text import load_json

_NAMES = {
    str: "a string",
    list: "a list",
    int: "an integer",
    bool: "true or false",
}
# The `place` of a file with one object per line.
_LINES = "lines"


class JsonNode(NamedTuple):
    """A value of a JSON file, and its position in the file.

    Example:
        >>> node = JsonNode({"a": [5]}, "small.json", "", "See the manual.")
        >>> node.items("a")[0].place
        'a[0]'
        >>> node.get("b", str)
        Traceback (most recent call last):
        ValueError: small.json: the file must have the key 'b'. Received: ...
    """

    value: Any
    path: str
    place: str
    """The position, such as `data[0].paragraphs[2]`; "" for the whole file."""
    advice: str
    """The end of every error: the supported layouts."""

    def has(self, key: str) -> bool:
        """Returns whether the value at a key exists and is not null."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def get(self, key: str, kind: type, *default: Any) -> "JsonNode":
        """Returns the value at a key, or a default if it is absent or null."""
        place = f"{self.place}.{key}".removeprefix(".")
        if not isinstance(self.value, dict):
            raise self.error("be an object", type(self.value).__name__)
        if key not in self.value and not default:
            raise self.error(f"have the key {key!r}", self.keys())
        value = self.value.get(key)
        node = self._replace(value=value, place=place)
        if value is None and default:
            return node._replace(value=default[0])
        return node.checked(kind)

    def items(self, key: str) -> list["JsonNode"]:
        """Returns the members of the list at a key."""
        return self.get(key, list).members()

    def members(self) -> list["JsonNode"]:
        values = self.checked(list).value
        if self.place == _LINES:
            return [
                self._replace(value=value, place=f"line {number}")
                for number, value in enumerate(values, 1)
                if value is not None  # a blank line
            ]
        return [
            self._replace(value=value, place=f"{self.place}[{number}]")
            for number, value in enumerate(values)
        ]

    def checked(self, kind: type) -> "JsonNode":
        """Returns the node itself if its value is of a type."""
        # By type, not isinstance: JSON's true is an int in Python.
        if type(self.value) is not kind:
            received = repr(self.value)[:60]
            raise self.error(f"be {_NAMES[kind]}", received)
        if kind is str and not is_text(self.value):
            raise self.error(
                "be text, without half of a surrogate pair", repr(self.value)
            )
        return self

    def keys(self) -> str:
        there = ", ".join(map(repr, self.value)) or "none"
        return f"the keys {there}"

    def error(self, rule: str, received: str) -> ValueError:
        what = f"`{self.place}`" if self.place else "the file"
        return ValueError(
            f"{self.path}: {what} must {rule}. Received: {received}. "
            f"{self.advice}"
        )


def read_json(path: str | Path, advice: str) -> JsonNode:
    """Reads a JSON file in UTF-8, or a file of one JSON object per line.

    Args:
        path: The file, plain or compressed (`.gz`, `.bz2`, `.xz`, `.zst`).
        advice: The end of every error of a node.

    Returns:
        The root. For JSON lines it is a list; errors about its members name
        their line.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged or not JSON. The message names the path
            and the line.

    Example:
        >>> path = Path("small.json")
        >>> _ = path.write_text('{"a": 5}')
        >>> read_json(path, "").get("a", int).value
        5
    """
    path = Path(path)
    check_file(path)
    with whole_stream(path), open_file(path) as file:
        raw = file.read()
    try:
        text = raw.decode("utf-8-sig")
        try:
            return JsonNode(load_json(text), str(path), "", advice)
        except json.JSONDecodeError:
            lines = text.split("\n")
            if not _is_object(lines[0]):
                raise
    except ValueError as error:  # from UTF-8 or JSON, with the position
        raise ValueError(
            f"{path}: the file must be complete JSON in UTF-8. "
            f"Received: {error}"
        ) from error
    return JsonNode(_objects(path, lines), str(path), _LINES, advice)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _objects(path: Path, lines: Iterable[str]) -> list[Any]:
    """Returns the object of every line, or `None` for a blank line."""
    found: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(None if is_blank(line) else load_json(line))
        except ValueError as error:
            # The line number of the error is always 1.
            what = getattr(error, "msg", error)
            raise ValueError(
                f"{path}, line {number}: every line must be one JSON object. "
                f"Received: {what}"
            ) from error
    return found
