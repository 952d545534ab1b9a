"""Responds to requests under /v1: routes, errors and their statuses."""

import re
from typing import Any
from urllib.parse import unquote

import tensorflow as tf
from starlette.responses import Response

from keras_ctx.serving.rest.response import AnswerError, to_json
from keras_ctx.serving.rest.server.answer import answer, metadata, read_body
from keras_ctx.serving.rest.values import RequestError
from keras_ctx.serving.rest.watched_model import (
    NoSuchVersion,
    UnknownLabel,
    error_code,
)
from keras_ctx.serving.rest.watched_models import WatchedModels

_ROUTE = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<number>\d{1,19})|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>predict|classify|regress)|/(?P<metadata>metadata))?"
)
# As in TensorFlow Serving's http_server.cc; all others are 500.
_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def respond(
    models: WatchedModels, method: str, path: str, body: bytes, max_rows: int
) -> Response:
    """Answers one request, which may take as long as the model runs.

    Args:
        models: The served models.
        method: "GET" or "POST".
        path: The path as it was sent; its parts are decoded after splitting.
        body: Body of a POST request.
        max_rows: Most rows of a request.

    Example:
        >>> respond(WatchedModels([]), "GET", "/v1/models/a", b"", 9).body
        b'{"error": "Servable not found for request: model a"}'

    Source:
        https://www.tensorflow.org/tfx/serving/api_rest
    """
    route = _ROUTE.fullmatch(path)
    if route is None or (method == "POST") != (route["verb"] is not None):
        return problem(400, f"Malformed request: {method} {path}")
    label = route["label"] and unquote(route["label"])
    which: dict[str, Any] = {"number": None, "label": label}
    if route["number"]:
        which["number"] = int(route["number"])
        if which["number"] >= 2**63:
            return problem(
                400, f"Failed to convert version: {route['number']} to numeric."
            )
    try:
        request = {}
        if route["verb"]:
            request = read_body(route["verb"], body, max_rows)
        # For any model: labels are looked up before models.
        if label is not None and label not in models.labels:
            raise UnknownLabel(label)
        model = models.find(unquote(route["name"]))
        if route["verb"]:
            with model.version(**which) as (_, version):
                found = answer(version, route["verb"], request)
        elif route["metadata"]:
            found = metadata(model, **which)
        else:
            found = model.status(**which)
        content = to_json(found)
    except NoSuchVersion as error:
        return problem(404, error.args[0])
    except UnknownLabel as error:
        return problem(400, error.args[0])
    except tf.errors.OpError as error:
        return problem(_STATUS.get(error_code(error), 500), error.message)
    except (RequestError, AnswerError) as error:
        return problem(400, str(error))
    return Response(content, media_type="application/json")


def problem(
    status: int, message: str, headers: dict[str, str] | None = None
) -> Response:
    """Returns an error response in TensorFlow Serving's form.

    Args:
        status: HTTP status.
        message: The error message.
        headers: Additional headers.
    """
    content = to_json({"error": message})
    return Response(content, status, headers, media_type="application/json")
