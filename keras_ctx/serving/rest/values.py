"""Reads single JSON values of TensorFlow Serving's REST interface.

Format: https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


class RequestError(ValueError):
    """A request that violates the interface: HTTP status 400."""


def value_reader(name: str, dtype: tf.DType) -> Callable[[Any], Any]:
    """Returns a function that reads a JSON value as `dtype` or refuses it."""
    kind = dtype.as_numpy_dtype

    def read(value: Any) -> Any:
        fits = False
        if dtype == tf.string:
            if isinstance(value, str):
                return _bytes(name, value)
            if isinstance(value, dict) and value.keys() == {"b64"}:
                return _from_base64(name, value["b64"])
        elif dtype == tf.bool:
            fits = isinstance(value, bool)
        elif dtype.is_integer:
            fits = (
                type(value) is int and dtype.min <= value <= dtype.max  # type: ignore[operator]
            )
        elif dtype in (tf.float32, tf.float64):
            fits = type(value) in (int, float) and is_lossless(value, kind)
        if not fits:
            raise RequestError(
                f"`{name}` must be of {dtype.name}. Received: {shown(value)}"
            )
        return value

    return read


def is_lossless(value: int | float, kind: type) -> bool:
    """Returns whether TensorFlow Serving accepts a JSON number as `kind`."""
    limits = np.finfo(kind)
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        # As many bits as the fraction; the next power of two is refused.
        return abs(value) < 2 ** (limits.nmant + 1)
    try:
        number = float(value)
    except OverflowError:
        return False
    largest = float(limits.max)
    return not np.isfinite(number) or -largest <= number <= largest


def _bytes(name: str, value: str) -> bytes:
    try:
        # Bytes that were not UTF-8 in the body, unchanged.
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        # A lone surrogate from a \u escape.
        raise RequestError(f"`{name}` must be Unicode text: {error}") from error


# Without white space: digits, and all the padding they need or none.
_BASE64 = re.compile(r"([A-Za-z0-9+/]*)([=.]*)")


def _from_base64(name: str, value: Any) -> bytes:
    found = None
    if isinstance(value, str):
        found = _BASE64.fullmatch(re.sub(r"[ \t-\r]", "", value))
    if found is not None:
        digits, padding = found.groups()
        missing = -len(digits) % 4
        if missing < 3 and len(padding) in (0, missing):
            return base64.b64decode(digits + "=" * missing)
    raise RequestError(
        f"`{name}` must have base64 in `b64`. Received: {shown(value)}"
    )


def shown(value: Any) -> str:
    """Returns a value for an error message, cut; broken bytes as U+FFFD."""
    text = json.dumps(value, ensure_ascii=False)
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text if len(text) <= 80 else f"{text[:80]}..."
