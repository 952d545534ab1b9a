"""The process of one peer of `speed.py`: `speed_worker.py MODULE THREADS`.

It answers `{"do": "prepare", "task": ...}` and `{"do": "run", "inputs": ...}`.
A failure is an answer, too: `{"error": ...}`.
"""

import importlib
import os
import sys
import time
import traceback
from importlib import metadata
from typing import Any

import numpy as np

from harness.worker import answer, peak_mebibytes
from peers.step import Step


def use_cores(count: int) -> None:
    """Keeps this process on `count` cores, whatever its library starts."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:count])


class Peer:
    """Answers for one module of `peers`."""

    def __init__(self, module: str):
        self.module = module
        self.step: Step | None = None

    def prepare(self, task: dict[str, Any]) -> dict[str, Any]:
        module = importlib.import_module(f"peers.{self.module}")
        self.step = module.STEPS[task["kind"]](task)
        return {"versions": {x: metadata.version(x) for x in module.PACKAGES}}

    def run(self, inputs: dict[str, Any], save: str = "") -> dict[str, Any]:
        if self.step is None:
            raise RuntimeError("Ask for `prepare` before `run`.")
        fed = self.step.feed(inputs)
        start = time.perf_counter()
        result = self.step.compute(fed)
        seconds = time.perf_counter() - start
        if self.step.seconds is not None:
            seconds = self.step.seconds(result)
        if save:
            np.save(save, self.step.fetch(result))
        return {"seconds": seconds, "peak": peak_mebibytes()}

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        do = {"prepare": self.prepare, "run": self.run}[request.pop("do")]
        try:
            return do(**request)
        except Exception as error:  # the runner names it in the table
            traceback.print_exc()
            first = (str(error).splitlines() or [""])[0]
            return {"error": f"{type(error).__name__}: {first}"}


if __name__ == "__main__":
    use_cores(int(sys.argv[2]))
    answer(Peer(sys.argv[1]).handle)
