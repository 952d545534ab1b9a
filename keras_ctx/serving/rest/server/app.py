"""The web application: /v1, the list of models, a page."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from keras_ctx.serving.rest.request_limits import is_allowed_host
from keras_ctx.serving.rest.server.respond import problem, respond
from keras_ctx.serving.rest.watched_models import WatchedModels

_PAGE = Path(__file__).with_name("page.html")


def make_app(
    models: WatchedModels,
    hosts: Sequence[str] = (),
    threads: int = 1,
    max_rows: int = 1024,
    max_megabytes: float = 16.0,
) -> Starlette:
    """Returns the application, which watches the folders of models.

    Args:
        models: The models to serve.
        hosts: Host names of this machine, besides its addresses and localhost;
            requests to other names are refused.
        threads: Requests that run at the same time; others wait.
        max_rows: Most rows of a request.
        max_megabytes: Longest body of a request, in megabytes.

    Example:
        >>> app = make_app(WatchedModels([]))
        >>> [route.path for route in app.routes]
        ['/', '/models', '/v1/{rest:path}']
    """
    pool = ThreadPoolExecutor(threads)

    async def in_pool(function: Callable, *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, function, *arguments)

    async def api(request: Request) -> Response:
        try:
            body = await _body(request, max_megabytes * 2**20)
        except ClientDisconnect:  # nobody will read the answer
            return problem(400, "The client has gone.")
        if body is None:
            return problem(
                413,
                f"The body is longer than {max_megabytes:g} MB; send "
                "fewer rows at a time, or raise --max-megabytes.",
                {"Connection": "close"},  # also while it is still sending
            )
        path = request.scope["raw_path"].decode("utf-8", "replace")
        return await in_pool(
            respond, models, request.method, path, body, max_rows
        )

    async def names(_: Request) -> Response:
        return Response(
            json.dumps({"models": sorted(models.by_name)}),
            media_type="application/json",
        )

    async def page(_: Request) -> Response:
        return FileResponse(_PAGE)

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
            Route("/", _of_known_hosts(page, hosts)),
            # TensorFlow Serving has no such route.
            Route("/models", _of_known_hosts(names, hosts)),
            Route(
                "/v1/{rest:path}",
                _of_known_hosts(api, hosts),
                methods=["GET", "POST"],
            ),
        ],
        exception_handlers={HTTPException: failed, Exception: failed},
        lifespan=lifespan,
    )


async def _body(request: Request, max_bytes: float) -> bytes | None:
    """Returns the body, or `None` if it is too long."""
    body = bytearray()
    length = 0
    # Read on beyond the limit, because a client reads no answer while it sends.
    # Give up on one that never ends.
    async for chunk in request.stream():
        length += len(chunk)
        if length <= max_bytes:
            body += chunk
        elif length > 10 * max_bytes:
            break
    return bytes(body) if length <= max_bytes else None


def _of_known_hosts(handler: Callable, hosts: Sequence[str]) -> Callable:
    """Wraps a handler to refuse requests to unknown host names."""

    async def checked(request: Request) -> Response:
        for host in request.headers.getlist("host"):
            if not is_allowed_host(host, hosts):
                return problem(
                    400,
                    f"The server does not answer for the host {host!r}. "
                    "Use its address, or start the server with --hosts "
                    "and that name.",
                )
        return await handler(request)

    return checked
