"""The workers of `TF_CONFIG`: who they are, and that all have come."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Sequence

from keras_ctx.files.json_text import load_json

# Our number, once `strategy("multi_worker")` has made us a worker. TF_CONFIG
# alone does not tell: a cluster sets it for a process that trains alone, too.
_number = 0


def is_chief() -> bool:
    """Returns whether this process writes files: one of all workers does.

    A process becomes a worker by `strategy("multi_worker")`, and remains one.

    Example:
        >>> is_chief()
        True
    """
    return _number == 0


def become_worker(index: int) -> None:
    """Remembers that this process is worker `index`."""
    global _number
    _number = index


def workers() -> tuple[list[str], int]:
    """Returns the addresses of `TF_CONFIG`, and which of them is ours."""
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        config = load_json(text)
        addresses = config["cluster"]["worker"]
        index = int(config["task"]["index"])
        addresses[index]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(
            "`TF_CONFIG` must be set in the environment of each worker, as in "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": '
            '{"type": "worker", "index": 0}}. '
            f"Received: {text} ({type(error).__name__}: {error})"
        ) from error
    return addresses, index


def meet_workers(
    addresses: Sequence[str], index: int, timeout: float = 300.0
) -> None:
    """Returns when every worker has come, or say which have not.

    TensorFlow waits for a worker that never comes (we gave up after ten
    minutes), and heeds no signal meanwhile. So the workers meet first: one
    listens at its address, on the port that TensorFlow takes afterwards, the
    others tell it their numbers, and it lets all go when the last has come.

    Args:
        addresses: `host:port` of each worker, as in `TF_CONFIG`.
        index: The number of this one.
        timeout: Seconds to wait.

    Raises:
        TimeoutError: A worker has not come.
        OSError: The address of the first worker is not free.
    """
    deadline = time.monotonic() + timeout
    if index == 0:
        _receive(addresses, deadline, timeout)
    else:
        _arrive(addresses[0], index, deadline, timeout)


def _receive(addresses: Sequence[str], deadline: float, timeout: float) -> None:
    """Waits for all others to be there at one moment, then let them go."""
    others = set(range(1, len(addresses)))
    there: dict[int, socket.socket] = {}
    host, port = addresses[0].rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.create_server(("", int(port)), family=family)
        stack.enter_context(server)
        arrivals = _arrivals(server, deadline)
        while others - there.keys():
            try:
                connection, number = next(arrivals)
            except StopIteration:
                missing = sorted(others - there.keys())
                named = ", ".join(f"{n} ({addresses[n]})" for n in missing)
                raise TimeoutError(
                    "`TF_CONFIG` must name workers that are started within "
                    f"{timeout:g} seconds. Not there: worker {named}"
                ) from None
            there[number] = stack.enter_context(connection)
            there = {n: x for n, x in there.items() if not _is_closed(x)}
        for connection in there.values():
            with contextlib.suppress(OSError):
                connection.sendall(b"go")


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other end is gone, of which nothing else is to be heard."""
    connection.setblocking(False)
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _arrivals(
    server: socket.socket, deadline: float
) -> Iterator[tuple[socket.socket, int]]:
    """Connections whose first line is the number of a worker."""
    while (left := deadline - time.monotonic()) > 0:
        server.settimeout(left)
        try:
            connection, _ = server.accept()
        except TimeoutError:
            return
        connection.settimeout(min(5, left))
        try:
            yield connection, int(connection.recv(16))
        except (OSError, ValueError):
            # Somebody else, a health check say.
            connection.close()


def _arrive(address: str, index: int, deadline: float, timeout: float) -> None:
    host, port = address.rsplit(":", 1)
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection(
                (host, int(port)), left
            ) as connection:
                connection.sendall(str(index).encode())
                connection.settimeout(left)
                if connection.recv(2) == b"go":
                    return
        except OSError:
            pass
        # It has not begun to listen, or was started again.
        time.sleep(0.2)
    raise TimeoutError(
        "`TF_CONFIG` must name workers that are started within "
        f"{timeout:g} seconds. Worker 0 ({address}) did not answer worker "
        f"{index}, or waits for others in vain"
    )
