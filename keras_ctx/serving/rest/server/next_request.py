"""Suggests a first request to a served model."""

import json
from typing import Any

from keras_ctx.serving.rest.watched_model import NoSuchVersion
from keras_ctx.serving.rest.watched_models import WatchedModels

_TEXT = "Hello."


def query_words(models: WatchedModels, url: str) -> list[str]:
    """Returns the words of a query.py command, for `closing`.

    The list is empty if no model is loaded.

    Args:
        models: The served models; the first suitable one is used.
        url: URL of the server.

    Example:
        >>> query_words(WatchedModels([]), "http://127.0.0.1:8501")
        []
    """
    for name, model in models.by_name.items():
        try:
            with model.version() as (_, version):
                inputs = version.inputs("serving_default")
                method = version.signatures["serving_default"].method_name
        except (NoSuchVersion, KeyError):
            continue
        if not method.endswith("/predict"):  # it takes examples
            continue
        words = ["query.py", "--server", url, "--model", name]
        row = {name: _value(name, spec) for name, spec in inputs.items()}
        if None in row.values():  # numbers, which are hard to type
            continue
        if len(row) == 1:
            return [*words, "--text", _TEXT]
        return [*words, "--rows", "--text", json.dumps(row)]
    return []


def _value(name: str, spec: Any) -> str | int | list[str] | None:
    if name == "predicate":
        return 0
    if spec.dtype.name != "string" or spec.shape.rank not in (1, 2):
        return None
    return _TEXT if spec.shape.rank == 1 else [_TEXT]
