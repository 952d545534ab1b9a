"""An application at an address of this machine."""

from typing import Any

import uvicorn


class Listening:
    """A socket on which requests wait until `run` answers them.

    Args:
        app: Of `make_app`.
        host: Address to listen on.
        port: Port to listen on; 0: one that is free.

    Raises:
        ValueError: Nobody can listen there.

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
        except SystemExit as end:  # uvicorn has said why
            raise ValueError(
                "`host` and `port` must be an address of this machine that is "
                "free. Give another --port, or 0 for any. Received: "
                f"host={host!r}, port={port}"
            ) from end
        # From here on a request waits, and is not refused.
        self.socket.listen(settings.backlog)
        self._server = uvicorn.Server(settings)

    @property
    def url(self) -> str:
        """Where it is, without a slash at its end."""
        host, port = self.socket.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host  # IPv6
        return f"http://{host}:{port}"

    def run(self) -> None:
        """Answer until the process is told to end."""
        self._server.run(sockets=[self.socket])
