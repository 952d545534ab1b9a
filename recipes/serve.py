"""Try exported models without Docker: TensorFlow Serving's REST routes.

Command   python recipes/serve.py --models saved_models
          then open http://127.0.0.1:8501/ or
          curl -d '{"instances": ["Hello."]}' \
              http://127.0.0.1:8501/v1/models/NAME:predict
Data      Folders of models, each with its numbered versions, as
          keras_ctx.serving.export and export_saved_model.py write them; or a
          folder of such folders.
Output    Answers, at the routes and in the form that
          https://www.tensorflow.org/tfx/serving/api_rest tells of, and a page
          to type texts on. A new version takes over without a lost request.
Expected  It is for trying, not for production: no gRPC, no batching, no
          metrics, and requests go through Python. deploy/ has the real thing.
"""

import asyncio
import contextlib
import gc
import json
import os
import re
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import tensorflow as tf
import uvicorn
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from keras_ctx.serving.rest import example_request as rest_examples
from keras_ctx.serving.rest import predict_request as rest_request
from keras_ctx.serving.rest import request_limits
from keras_ctx.serving.rest import response as rest_answer
from keras_ctx.serving.rest.loaded_version import LoadedVersion
from keras_ctx.serving.rest.values import RequestError
from keras_ctx.serving.rest.watched_model import (
    NoSuchVersion,
    UnknownLabel,
    WatchedModel,
    error_code,
)
from keras_ctx.serving.rest.watched_models import (
    WatchedModels,
    check_model_folder,
)

PAGE = Path(__file__).with_suffix(".html")
ROUTE = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<number>\d{1,19})|/labels/(?P<label>[^/:]+))?"
    r"(?::(?P<verb>predict|classify|regress)|/(?P<metadata>metadata))?"
)
# As TensorFlow Serving's http_server.cc has them; what is not here is 500.
STATUS = {
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


@dataclass(frozen=True)
class Config:
    models: tuple[Path, ...] = (Path("saved_models"),)
    """Folders of models, or of folders of models."""
    host: str = "127.0.0.1"
    """Address to listen on; as it is, nobody else reaches it."""
    port: int = 8501
    """Port to listen on; 0: one that is free."""
    num_versions: int = 1
    """How many of a model's highest versions to serve."""
    labels: tuple[str, ...] = ()
    """Versions by label, such as stable=1, of every model that has them."""
    poll_seconds: float = 1.0
    """How often to look for new versions."""
    threads: int = os.cpu_count() or 1
    """Requests that run at a time; the others wait."""
    max_megabytes: float = 16.0
    """Longest body of a request."""
    max_rows: int = 1024
    """Most rows of a request."""
    hosts: tuple[str, ...] = ()
    """Names under which this machine is asked, beside its addresses and
    localhost; a request to another name is refused (DNS rebinding)."""

    def __post_init__(self):
        for path in self.models:
            check_model_folder(path)
        for name in (
            *("num_versions", "poll_seconds", "threads"),
            *("max_megabytes", "max_rows"),
        ):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"`{name}` must be above 0. "
                    f"Received: {name}={getattr(self, name)}"
                )
        if not 0 <= self.port < 2**16:
            raise ValueError(
                f"`port` must be from 0 to 65535. Received: port={self.port}"
            )
        if self.poll_seconds > threading.TIMEOUT_MAX:
            raise ValueError(
                f"`poll_seconds` must be at most {threading.TIMEOUT_MAX:g}. "
                f"Received: poll_seconds={self.poll_seconds}"
            )
        for label in self.labels:
            if not re.fullmatch(r"[^/:=]+=[0-9]+", label):
                raise ValueError(
                    "`labels` must be like stable=1. "
                    f"Received: labels={label!r}"
                )


class Models(WatchedModels):
    """All models in the folders, watched by a thread."""

    def __init__(self, config: Config):
        self.config = config
        pairs = (label.split("=") for label in config.labels)
        super().__init__(
            config.models,
            config.num_versions,
            {label: int(number) for label, number in pairs},
            config.poll_seconds,
        )


def metadata(model: WatchedModel, which: dict[str, Any]) -> dict[str, Any]:
    with model.version(**which) as (number, version):
        signatures = {
            name: MessageToDict(
                signature,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, signature in version.signatures.items()
        }
    return {
        "model_spec": {
            "name": model.name,
            "signature_name": "",
            "version": str(number),
        },
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def read(verb: str, body: bytes, max_rows: int) -> dict[str, Any]:
    """The request in the body of a POST, before it is known for whom."""
    request = rest_request.read_request(body)
    request_limits.check_rows(request, max_rows)
    request["signature_name"] = rest_request.signature_name(request)
    if verb != "predict":
        request["inputs"] = rest_examples.example_inputs(request)
    return request


def run(
    version: LoadedVersion, verb: str, request: dict[str, Any]
) -> dict[str, Any]:
    """The answer of one version to what `read` has read."""
    name = request["signature_name"]
    if name not in version.signatures:
        raise RequestError(
            f'Serving signature name: "{name}" not found in signature def. '
            f"There are: {sorted(version.signatures)}"
        )
    inputs = version.inputs(name)
    if verb == "predict":
        arrays, in_rows = rest_request.predict_inputs(request, inputs)
        return rest_answer.predict_answer(version.run(name, arrays), in_rows)
    method = version.signatures[name].method_name
    if method != f"tensorflow/serving/{verb}":
        raise RequestError(
            f"`:{verb}` needs a signature whose method_name is "
            f"tensorflow/serving/{verb}. That of `{name}`, which takes "
            f"{sorted(inputs)}, is {method}; give another as "
            "`signature_name`, or use `:predict`."
        )
    if list(inputs) != ["inputs"]:
        raise RequestError(
            f"`:{verb}` needs a signature with one input, `inputs`, of "
            f"tf.train.Example. `{name}` takes {sorted(inputs)}."
        )
    outputs = version.run(name, {"inputs": request["inputs"]})
    if verb == "classify":
        return rest_answer.classify_answer(outputs)
    return rest_answer.regress_answer(outputs)


def respond(models: Models, method: str, path: str, body: bytes) -> Response:
    """The response to a request under /v1; runs in a thread of the pool.

    Args:
        path: As it was sent: the parts of it are decoded once they are apart.
    """
    route = ROUTE.fullmatch(path)
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
            request = read(route["verb"], body, models.config.max_rows)
        # Of any model: labels are looked up before models are.
        if label is not None and label not in models.labels:
            raise UnknownLabel(label)
        model = models.find(unquote(route["name"]))
        if route["verb"]:
            with model.version(**which) as (_, version):
                answer = run(version, route["verb"], request)
        elif route["metadata"]:
            answer = metadata(model, which)
        else:
            answer = model.status(**which)
        content = rest_answer.to_json(answer)
    except NoSuchVersion as error:
        return problem(404, error.args[0])
    except UnknownLabel as error:
        return problem(400, error.args[0])
    except tf.errors.OpError as error:
        return problem(STATUS.get(error_code(error), 500), error.message)
    except (RequestError, rest_answer.AnswerError) as error:
        return problem(400, str(error))
    return Response(content, media_type="application/json")


def problem(
    status: int, message: str, headers: dict[str, str] | None = None
) -> Response:
    content = rest_answer.to_json({"error": message})
    return Response(content, status, headers, media_type="application/json")


async def read_body(request: Request, max_bytes: float) -> bytes | None:
    """The body, or None where it is too long."""
    body = bytearray()
    length = 0
    # On beyond the limit: a client that still sends would not read. One that
    # never ends is cut off.
    async for chunk in request.stream():
        length += len(chunk)
        if length <= max_bytes:
            body += chunk
        elif length > 10 * max_bytes:
            break
    return bytes(body) if length <= max_bytes else None


def make_app(models: Models) -> Starlette:
    config = models.config
    pool = ThreadPoolExecutor(config.threads)

    async def in_pool(function: Callable, *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, function, *arguments)

    async def api(request: Request) -> Response:
        try:
            body = await read_body(request, config.max_megabytes * 2**20)
        except ClientDisconnect:  # which nobody will read
            return problem(400, "The client has gone.")
        if body is None:
            return problem(
                413,
                f"The body is longer than {config.max_megabytes:g} MB; send "
                "fewer rows at a time, or raise --max-megabytes.",
                {"Connection": "close"},  # to one that still sends, too
            )
        path = request.scope["raw_path"].decode("utf-8", "replace")
        return await in_pool(respond, models, request.method, path, body)

    async def names(_: Request) -> Response:
        return Response(
            json.dumps({"models": sorted(models.by_name)}),
            media_type="application/json",
        )

    async def page(_: Request) -> Response:
        return FileResponse(PAGE)

    def of_known_hosts(handler: Callable) -> Callable:
        names = (config.host, *config.hosts)

        async def checked(request: Request) -> Response:
            for host in request.headers.getlist("host"):
                if not request_limits.is_allowed_host(host, names):
                    return problem(
                        400,
                        f"The server does not answer for the host {host!r}. "
                        "Ask by its address, or start it with --hosts and "
                        "that name.",
                    )
            return await handler(request)

        return checked

    async def failed(_: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return problem(error.status_code, error.detail)
        return problem(500, f"{type(error).__name__}: {error}")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        models.start()
        yield
        await in_pool(models.stop)
        pool.shutdown()

    return Starlette(
        routes=[
            Route("/", of_known_hosts(page)),
            # Not of TensorFlow Serving, which lists no models.
            Route("/models", of_known_hosts(names)),
            Route(
                "/v1/{rest:path}", of_known_hosts(api), methods=["GET", "POST"]
            ),
        ],
        exception_handlers={HTTPException: failed, Exception: failed},
        lifespan=lifespan,
    )


def main(config: Config) -> None:
    tf.get_logger().setLevel("ERROR")
    # What is imported stays, so the collector need not walk through it, half a
    # second in which nothing else runs, after each version that goes.
    gc.collect()
    gc.freeze()
    models = Models(config)
    models.refresh()
    settings = uvicorn.Config(
        make_app(models), config.host, config.port, log_level="warning"
    )
    try:
        socket = settings.bind_socket()
    except SystemExit as end:  # uvicorn has said why
        raise ValueError(
            "`host` and `port` must be an address of this machine that is "
            "free. Give another --port, or 0 for any. Received: "
            f"host={config.host!r}, port={config.port}"
        ) from end
    # From here on a request waits, and is not refused.
    socket.listen(settings.backlog)
    host, port = socket.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host  # IPv6
    print(
        f"Serving {', '.join(models.by_name) or 'no model yet'} at "
        f"http://{host}:{port}/ for trying, not for production.",
        flush=True,
    )
    uvicorn.Server(settings).run(sockets=[socket])


if __name__ == "__main__":
    run_command(main, Config)
