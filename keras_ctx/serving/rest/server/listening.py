"""Runs an application at an address of this machine."""

from typing import Any

import uvicorn


class Listening:
    """A socket on which requests wait until `run` answers them.

    Args:
        app: The application, from `make_app`.
        host: Address to listen on.
        port: Port to listen on; 0 for any free port.

    Raises:
        ValueError: The address is not free or not on this machine.

    Example:
        >>> async def app(scope, receive, send): ...
        >>> listening = Listening(app, "127.0.0.1", 0)
        >>> listening.url.startswith("http://127.0.0.1:")
        True
        >>> listening.socket.close()
    """

    def __init__(self, app: Any, host: str, port: int):
        settings = uvicorn.Config(app, host, port, log_level="warning")
        try:
            self.socket = settings.bind_socket()
        except SystemExit as end:  # uvicorn has printed the reason
            raise ValueError(
                "`host` and `port` must be an address of this machine that is "
                "free. Give another --port, or 0 for any. Received: "
                f"host={host!r}, port={port}"
            ) from end
        # From here on, requests wait instead of being refused.
        self.socket.listen(settings.backlog)
        self._server = uvicorn.Server(settings)

    @property
    def url(self) -> str:
        """The URL of the server, without a trailing slash."""
        host, port = self.socket.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host  # IPv6
        return f"http://{host}:{port}"

    def run(self) -> None:
        """Answers requests until the process is stopped."""
        self._server.run(sockets=[self.socket])
