"""Single values of TensorFlow Serving's REST interface: JSON as a dtype.

Format: https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


class RequestError(ValueError):
    """A request that is not as the interface wants it: HTTP status 400."""


def value_reader(name: str, dtype: tf.DType) -> Callable[[Any], Any]:
    """A function that takes one JSON value as `dtype`, or refuses it."""
    kind = dtype.as_numpy_dtype

    def read(value: Any) -> Any:
        fits = False
        if dtype == tf.string:
            if isinstance(value, str):
                return _utf8(name, value)
            if isinstance(value, dict) and value.keys() == {"b64"}:
                return _from_base64(name, value["b64"])
        elif dtype == tf.bool:
            fits = isinstance(value, bool)
        elif dtype.is_integer:
            fits = (
                type(value) is int and dtype.min <= value <= dtype.max  # type: ignore[operator]
            )
        elif dtype.is_floating:
            fits = type(value) in (int, float) and _is_lossless(value, kind)
        if not fits:
            raise RequestError(
                f"`{name}` must be of {dtype.name}. Received: {shown(value)}"
            )
        return value

    return read


def _is_lossless(value: int | float, kind: type) -> bool:
    try:
        with np.errstate(over="ignore"):
            found = float(kind(value))
    except OverflowError:
        return False
    if isinstance(value, int):
        return found == value
    return np.isfinite(found) or not np.isfinite(value)


def _utf8(name: str, value: str) -> bytes:
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        # Half of a pair of \u escapes.
        raise RequestError(f"`{name}` must be Unicode text: {error}") from error


def _from_base64(name: str, value: Any) -> bytes:
    try:
        padded = value + "=" * (-len(value) % 4)
        return base64.b64decode(padded, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise RequestError(
            f"`{name}` must have base64 in `b64`. Received: {shown(value)}"
        ) from error


def shown(value: Any) -> str:
    """A value for an error message, cut."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:80]}..."
