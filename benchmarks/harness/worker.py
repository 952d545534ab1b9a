"""A process that answers requests, one line of JSON each, until they end."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def answer(handle: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answers the lines of standard input on standard output.

    Other output goes to standard error.
    """
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        reply = handle(json.loads(line))
        print(json.dumps(reply), file=replies, flush=True)


def peak_mebibytes() -> float:
    """Returns the peak memory of this process, on Linux.

    `resource.getrusage` would include the parent's memory before the start.
    """
    status = Path("/proc/self/status").read_text("utf-8")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else float("nan")


class Worker:
    """Starts a script that calls `answer`, in another Python, and asks it.

    Args:
        python: The Python.
        script: The script.
        *arguments: Its arguments.
        environment: Variables to add to those of this process.
        log: File for its standard error; `None`: that of this process.
    """

    def __init__(
        self,
        python: str | Path,
        script: Path,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ):
        self.name = " ".join([script.name, *map(str, arguments)])
        self.see = f"see {log.name}" if log else "see its output above"
        errors = log.open("a", encoding="utf-8") if log else None
        try:
            self.process = subprocess.Popen(
                [str(part) for part in (python, script, *arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env={**os.environ, **(environment or {})},
            )
        finally:
            if errors:
                errors.close()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Sends a request and waits for the answer.

        Raises:
            RuntimeError: The process has ended.
        """
        requests, replies = self.process.stdin, self.process.stdout
        reply = ""
        if requests is not None and replies is not None:
            try:
                print(json.dumps(request), file=requests, flush=True)
                reply = replies.readline()
            except BrokenPipeError:
                pass
        if not reply:
            raise RuntimeError(
                f"{self.name} has ended with code {self.process.wait()}; "
                f"{self.see}."
            )
        return json.loads(reply)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        # The worker ends when its input is closed.
        self.process.communicate()


def environment(threads: int) -> dict[str, str]:
    """Returns the variables of a process that computes on a CPU."""
    return {
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": str(threads),
        "RAYON_NUM_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false",
    }
