"""Starts processes as the workers of one training, over loopback."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_addresses(number: int) -> list[str]:
    """Returns addresses with ports that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for each in sockets:
        each.close()
    return addresses


def start_worker(
    addresses: list[str], index: int, arguments: Sequence, **options
) -> subprocess.Popen:
    config = {
        "cluster": {"worker": addresses},
        "task": {"type": "worker", "index": index},
    }
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CONFIG": json.dumps(config),
        },
        **options,
    )


def start_workers(
    number: int, arguments: Callable[[int], Sequence]
) -> list[subprocess.Popen]:
    addresses = free_addresses(number)
    return [
        start_worker(addresses, index, arguments(index))
        for index in range(number)
    ]
