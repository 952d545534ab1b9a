"""A server with TensorFlow Serving's REST routes, to try models.

Importing it needs starlette and uvicorn, which the extra `recipes` installs.
"""

try:
    import starlette as starlette
    import uvicorn as uvicorn
except ImportError as error:
    raise ImportError(
        "The server needs starlette and uvicorn: "
        '`pip install "keras_ctx[recipes]"`.'
    ) from error

from keras_ctx.serving.rest.server.app import make_app
from keras_ctx.serving.rest.server.listening import Listening
from keras_ctx.serving.rest.server.next_request import query_words

__all__ = ["Listening", "make_app", "query_words"]
