"""Converts JSON requests of TensorFlow Serving's REST interface to arrays.

Format: https://www.tensorflow.org/tfx/serving/api_rest; accepts and refuses
    what `json_tensor.cc` of TensorFlow Serving 2.20 does, except that a lone
    escaped surrogate is refused, high or low.
"""

import codecs
import json
import re
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.serving.rest.values import RequestError, shown, value_reader

Arrays = dict[str, np.ndarray]
DEFAULT_SIGNATURE = "serving_default"


def read_request(body: bytes) -> dict[str, Any]:
    """Parses the JSON object in the body of a request.

    Bytes that are not UTF-8 are kept in its strings with "surrogateescape", and
    reach the model unchanged.

    Raises:
        RequestError: `body` is not JSON or not an object.

    Example:
        >>> read_request(b'{"instances": ["Hello."]}')
        {'instances': ['Hello.']}
    """
    # A byte order mark is skipped.
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        # An escaped surrogate would be mistaken for a kept byte.
        text = body.decode("utf-8", "replace")
        _refuse_halves(text, _parsed(text))
        return _object(_parsed(body.decode("utf-8", "surrogateescape")))
    request = _parsed(text)
    _refuse_halves(text, request)
    return _object(request)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"JSON Parse error: {error}") from error


def _refuse_halves(text: str, value: Any) -> None:
    """Refuses lone surrogates, which JSON can express but UTF-8 cannot."""
    if not re.search(r"\\u[dD][89a-fA-F]", text):
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise RequestError(
            f"JSON Parse error: a string must be Unicode text: {error}"
        ) from error


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(
            f"The body must be a JSON object. Received: {shown(value)}"
        )
    return value


def signature_name(request: dict[str, Any]) -> str:
    """Returns the name of the signature that a request calls.

    Raises:
        RequestError: `signature_name` is not a string.

    Example:
        >>> signature_name({"signature_name": "tag"}), signature_name({})
        ('tag', 'serving_default')
    """
    name = request.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise RequestError(
            f"`signature_name` must be a string. Received: {shown(name)}"
        )
    return name or DEFAULT_SIGNATURE


def predict_inputs(
    request: dict[str, Any],
    inputs: dict[str, tf.TensorSpec],
    optional: Collection[str] = (),
) -> tuple[Arrays, bool]:
    """Converts a request for `:predict` to arrays.

    Args:
        request: From `read_request`, with `instances` (per row a value, or an
            object of named values) or `inputs` (arrays by name, or one array).
        inputs: Inputs of the signature, by name.
        optional: Names of those that may be left out.

    Returns:
        Arrays by name, strings as objects of `bytes`; and whether the answer
        must also be in rows.

    Raises:
        RequestError: A value is missing, surplus, ragged, or of another dtype
            or shape than the signature's.

    Example:
        >>> inputs = {"text": tf.TensorSpec((None,), tf.string)}
        >>> predict_inputs({"instances": ["Hello.", "好"]}, inputs)
        ({'text': array([b'Hello.', b'\\xe5\\xa5\\xbd'], dtype=object)}, True)
        >>> predict_inputs({"inputs": {"text": "Hello."}}, inputs)
        Traceback (most recent call last):
        keras_ctx.serving.rest.values.RequestError: `text` must be string of \
shape (None,). Received: shape ()
    """
    if not inputs:
        raise RequestError("The signature has no inputs.")
    if ("instances" in request) == ("inputs" in request):
        raise RequestError(
            "The request must have either `instances` or `inputs`. "
            f"Received: {sorted(request)}"
        )
    if "instances" in request:
        columns = _columns(request["instances"], inputs, optional)
    else:
        columns = _named(request["inputs"], inputs, optional)
    return {
        name: _array(name, columns[name], spec)
        for name, spec in inputs.items()
        if name in columns
    }, "instances" in request


def _columns(
    rows: Any, inputs: dict[str, tf.TensorSpec], optional: Collection[str]
) -> dict[str, list]:
    if not isinstance(rows, list) or not rows:
        raise RequestError(
            "`instances` must be a list with one row or more. "
            f"Received: {shown(rows)}"
        )
    if not _is_object(rows[0]):
        if len(inputs) > 1:
            raise RequestError(
                "`instances` must be a list of objects with the keys "
                f"{sorted(inputs)}. Received: {shown(rows[0])} as row 0"
            )
        for number, row in enumerate(rows):
            if _is_object(row):
                raise RequestError(
                    "`instances` must not mix values and objects. "
                    f"Received: {shown(row)} as row {number}"
                )
        return {next(iter(inputs)): rows}
    names = {x for x in inputs if x in rows[0] or x not in optional}
    for number, row in enumerate(rows):
        if not _is_object(row) or row.keys() != names:
            raise RequestError(
                f"Every row of `instances` must be an object with the keys "
                f"{sorted(names)}. Received: {shown(row)} as row {number}"
            )
    return {name: [row[name] for row in rows] for name in names}


def _named(
    value: Any, inputs: dict[str, tf.TensorSpec], optional: Collection[str]
) -> dict[str, Any]:
    if not _is_object(value):
        if len(inputs) > 1:
            raise RequestError(
                f"`inputs` must be an object with the keys {sorted(inputs)}. "
                f"Received: {shown(value)}"
            )
        return {next(iter(inputs)): value}
    missing = sorted(inputs.keys() - value.keys() - {*optional})
    if missing:
        raise RequestError(
            f"`inputs` must have the keys {sorted(inputs)}. Missing: {missing}"
        )
    # Where inputs may be left out, a wrong name would have no effect.
    surplus = sorted(value.keys() - inputs.keys())
    if surplus:
        raise RequestError(
            f"`inputs` must have no keys but {sorted(inputs)}. "
            f"Received: {surplus}"
        )
    return value


def _is_object(value: Any) -> bool:
    """Returns whether it has named values; {"b64": ...} is a value."""
    return isinstance(value, dict) and value.keys() != {"b64"}


def _array(name: str, value: Any, spec: tf.TensorSpec) -> np.ndarray:
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    # The graph does not check its inputs: a scalar string would crash the
    # process in a tokenizer.
    if not spec.shape.is_compatible_with(shape):
        raise RequestError(
            f"`{name}` must be {spec.dtype.name} of shape {spec.shape}. "
            f"Received: shape {tuple(shape)}"
        )
    leaves: list = []
    _flatten(name, value, shape, value_reader(name, spec.dtype), leaves)
    array = np.empty(len(leaves), spec.dtype.as_numpy_dtype)
    array[:] = leaves
    return array.reshape(shape)


def _flatten(
    name: str, value: Any, shape: list[int], read: Callable, leaves: list
) -> None:
    if not isinstance(value, list):
        if shape:
            raise RequestError(
                f"`{name}` must be rectangular. Received: {shown(value)} "
                f"where a list of {shape[0]} belongs"
            )
        leaves.append(read(value))
        return
    if not shape or len(value) != shape[0]:
        wanted = f"a list of {shape[0]}" if shape else "a single value"
        raise RequestError(
            f"`{name}` must be rectangular. Received: a list of {len(value)} "
            f"where {wanted} belongs"
        )
    for item in value:
        _flatten(name, item, shape[1:], read, leaves)
