"""Converts arrays to JSON answers of TensorFlow Serving's REST interface.

Format: https://www.tensorflow.org/tfx/serving/api_rest. One difference: bytes
    that are not UTF-8 become U+FFFD, whereas TensorFlow Serving writes them
    unchanged, which no JSON parser accepts.
"""

import base64
import json
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


class AnswerError(ValueError):
    """Outputs that the interface cannot express: HTTP status 400."""


def predict_answer(outputs: Arrays, in_rows: bool) -> dict[str, Any]:
    """Returns the answer to `:predict`.

    Args:
        outputs: Arrays by name, strings as objects of `bytes`.
        in_rows: Whether the request was in rows (`instances`).

    Returns:
        `predictions`, a value or an object per row, or `outputs`, an array or
        an object of arrays. Strings of outputs whose names end in `_bytes` are
        base64-encoded.

    Raises:
        AnswerError: An output has no rows, or another number than others, or a
            dtype that JSON lacks.

    Example:
        >>> answer = {"score": np.array([0.1, 2], "float32")}
        >>> predict_answer(answer, in_rows=True)
        {'predictions': [0.1, 2.0]}
        >>> predict_answer({**answer, "n": np.array([1, 2])}, in_rows=True)
        {'predictions': [{'score': 0.1, 'n': 1}, {'score': 2.0, 'n': 2}]}
        >>> predict_answer(answer, in_rows=False)
        {'outputs': [0.1, 2.0]}
    """
    lengths = {x.shape[:1] for x in outputs.values()}
    if in_rows and (len(lengths) > 1 or () in lengths):
        shapes = {name: x.shape for name, x in outputs.items()}
        raise AnswerError(
            "The outputs differ in their first axis, so they have no rows; "
            f"send `inputs` instead. Shapes: {shapes}"
        )
    values = {name: _values(name, x) for name, x in outputs.items()}
    if not in_rows:
        return {"outputs": _only(values)}
    if len(values) == 1:
        return {"predictions": _only(values)}
    return {
        "predictions": [
            dict(zip(values, row, strict=True))
            for row in zip(*values.values(), strict=True)
        ]
    }


def classify_answer(outputs: Arrays) -> dict[str, Any]:
    """Returns the answer to `:classify`: labels and scores of each example.

    Args:
        outputs: `classes` or `scores` `(B, n)`, or both.

    Returns:
        `results`, for each row a list of pairs; a missing label is "", a
        missing score 0.

    Raises:
        AnswerError: Both outputs are missing, or have not two axes.

    Example:
        >>> classify_answer({"scores": np.array([[0.5]], "float32"),
        ...                  "classes": np.array([[b"good"]], object)})
        {'results': [[['good', 0.5]]]}
    """
    found = [outputs[x] for x in ("classes", "scores") if x in outputs]
    if not found or any(
        x.shape != found[0].shape or x.ndim != 2 for x in found
    ):
        shapes = {name: x.shape for name, x in outputs.items()}
        raise AnswerError(
            "A signature for :classify must give `classes` or `scores` of "
            f"shape (B, n). Outputs: {shapes}"
        )
    empty = np.full(found[0].shape, b"", object)
    labels = _values("classes", outputs.get("classes", empty))
    scores = _values("scores", outputs.get("scores", np.zeros(empty.shape)))
    return {
        "results": [
            [list(pair) for pair in zip(*row, strict=True)]
            for row in zip(labels, scores, strict=True)
        ]
    }


def regress_answer(outputs: Arrays) -> dict[str, Any]:
    """Returns the answer to `:regress`: a number for each example.

    Args:
        outputs: `outputs` `(B,)` or `(B, 1)`.

    Returns:
        `results`, a list of B numbers.

    Raises:
        AnswerError: The output is missing, or has not one number per row.

    Example:
        >>> regress_answer({"outputs": np.array([[0.5], [2]], "float32")})
        {'results': [0.5, 2.0]}
    """
    values = outputs.get("outputs")
    if values is None or values.ndim < 1 or values.size != len(values):
        shapes = {name: x.shape for name, x in outputs.items()}
        raise AnswerError(
            "A signature for :regress must give `outputs` of shape (B,) or "
            f"(B, 1). Outputs: {shapes}"
        )
    return {"results": _values("outputs", values.reshape(-1))}


def to_json(answer: dict[str, Any]) -> bytes:
    """Returns the body of an answer, with NaN and Infinity as the server's.

    Example:
        >>> to_json({"error": "Not found."})
        b'{"error": "Not found."}'
    """
    # An error may quote a lone surrogate of its request: it is sent back as an
    # escape.
    text = json.dumps(answer, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")


def _only(values: dict[str, list]) -> Any:
    return next(iter(values.values())) if len(values) == 1 else values


def _values(name: str, array: np.ndarray) -> Any:
    if array.dtype == object:
        write = _base64 if name.endswith("_bytes") else _text
        leaves = np.empty(array.size, object)
        leaves[:] = [write(x) for x in array.flat]
        return leaves.reshape(array.shape).tolist()
    if array.dtype.kind not in "biuf" or array.dtype == np.float16:
        raise AnswerError(
            f"The output `{name}` is of {array.dtype}, which the interface "
            "cannot write."
        )
    if array.dtype == np.float32:
        # Through the shortest decimal: 0.1, not 0.10000000149011612.
        array = array.astype("S").astype(np.float64)
    return array.tolist()


def _base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
