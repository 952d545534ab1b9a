"""The workers of `TF_CONFIG`: their addresses, and a wait for all of them."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Sequence

from keras_ctx.files.json_text import load_json

# The index of this worker, set by `strategy("multi_worker")`. TF_CONFIG is not
# enough: a cluster also sets it for a process that trains alone.
_number = 0


def is_chief() -> bool:
    """Returns whether this process writes files: only the first worker does.

    A process becomes a worker by `strategy("multi_worker")`, and stays one.

    Example:
        >>> is_chief()
        True
    """
    return _number == 0


def become_worker(index: int) -> None:
    """Records that this process is worker `index`."""
    global _number
    _number = index


def workers() -> tuple[list[str], int]:
    """Returns the addresses in `TF_CONFIG`, and the index of this worker."""
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
    """Waits until every worker has started.

    TensorFlow waits without a time limit for a missing worker (we stopped
    after ten minutes), and ignores signals while it waits. So the workers
    connect first: worker 0 listens at its address, on the port that
    TensorFlow uses afterwards, the others send it their indices, and it lets
    all continue when the last one has connected.

    Args:
        addresses: `host:port` of each worker, as in `TF_CONFIG`.
        index: The index of this worker.
        timeout: Seconds to wait.

    Raises:
        TimeoutError: A worker has not started; the message names it.
        OSError: The address of the first worker is not free.
    """
    deadline = time.monotonic() + timeout
    if index == 0:
        _receive(addresses, deadline, timeout)
    else:
        _arrive(addresses[0], index, deadline, timeout)


def _receive(addresses: Sequence[str], deadline: float, timeout: float) -> None:
    """Waits until all others are connected at once, then lets them continue."""
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
                    f"{timeout:g} seconds. Not started: worker {named}"
                ) from None
            there[number] = stack.enter_context(connection)
            there = {n: x for n, x in there.items() if not _is_closed(x)}
        for connection in there.values():
            with contextlib.suppress(OSError):
                connection.sendall(b"go")


def _is_closed(connection: socket.socket) -> bool:
    """Returns whether the other end, which sends nothing more, has closed."""
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
    """Yields connections whose first line is the index of a worker."""
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
            # Not a worker, but for example a health check.
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
        # Worker 0 does not listen yet, or was started again.
        time.sleep(0.2)
    raise TimeoutError(
        "`TF_CONFIG` must name workers that are started within "
        f"{timeout:g} seconds. Worker 0 ({address}) did not answer worker "
        f"{index}, or other workers are missing"
    )
