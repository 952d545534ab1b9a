"""A client of TensorFlow Serving and of serve.py, by REST or by gRPC.

It sends texts or rows and yields an answer for each. REST needs only Python's
standard library, so nothing else is imported here: the
gRPC client is loaded when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from keras_ctx.serving.rest.client.answers import answers, find_signature
from keras_ctx.serving.rest.client.by_rest import RestClient
from keras_ctx.serving.rest.client.errors import (
    QueryError,
    RefusedQuery,
    Unavailable,
)
from keras_ctx.serving.rest.client.lines import numbered_lines
from keras_ctx.serving.rest.client.retry import patiently
from keras_ctx.serving.rest.client.signature import Signature

if TYPE_CHECKING:
    from keras_ctx.serving.rest.client.by_grpc import GrpcClient

__all__ = [
    "GrpcClient",
    "QueryError",
    "RefusedQuery",
    "RestClient",
    "Signature",
    "Unavailable",
    "answers",
    "find_signature",
    "numbered_lines",
    "patiently",
]


def __getattr__(name: str) -> Any:
    if name == "GrpcClient":
        return importlib.import_module(f"{__name__}.by_grpc").GrpcClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
