"""recipes/serve.py in a thread, and requests to it over a socket."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import uvicorn
from recipe_files import load_recipe


class Server:
    """The address and models of a server, and requests to it."""

    def __init__(self, recipe: ModuleType, models: Any, port: int):
        self.recipe = recipe
        self.models = models
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def send(
        self, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()

    def get(self, path: str) -> tuple[int, Any]:
        status, body = self.send("GET", path)
        return status, json.loads(body)

    def post(self, path: str, request: Any) -> tuple[int, Any]:
        body = json.dumps(request).encode()
        status, answer = self.send("POST", f"/v1/models/{path}", body)
        return status, json.loads(answer)


@contextlib.contextmanager
def serving(*models: Path, **settings: Any) -> Iterator[Server]:
    """Runs the server while the block runs."""
    recipe = load_recipe("serve")
    config = recipe.Config(
        **{"models": models, "port": 0, "poll_seconds": 0.05, **settings}
    )
    watched = recipe.watched_models(config)
    watched.refresh()
    options = uvicorn.Config(
        recipe.make_app(config, watched),
        "127.0.0.1",
        config.port,
        log_level="error",
        # uvicorn's logging set-up would close all handlers; absl's then closes
        # pytest's stream, if a test that captures output runs alone.
        log_config=None,
    )
    server = uvicorn.Server(options)
    socket = options.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield Server(recipe, watched, socket.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        socket.close()


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
