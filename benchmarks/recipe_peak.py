"""Runs a recipe in a separate process; measures seconds and peak memory."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
# The child reports its own memory (VmHWM of the kernel): the value that the
# parent can read includes the parent's memory before the start.
REPORT = """
import runpy, sys
sys.argv = sys.argv[1:]
if __name__ == "__main__":
    runpy.run_path(sys.argv[0], run_name="__main__")
    status = open("/proc/self/status").read()
    print("VmHWM", status.split("VmHWM:")[1].split()[0])
"""


class Peak(NamedTuple):
    seconds: float
    mebibytes: float


def recipe_peak(recipe: str, *arguments: object) -> Peak:
    """Runs `recipes/<recipe>.py` to its end."""
    start = time.monotonic()
    finished = subprocess.run(
        [sys.executable, "-c", REPORT, str(RECIPES / f"{recipe}.py")]
        + [str(part) for part in arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    seconds = time.monotonic() - start
    kibibytes = finished.stdout.split("VmHWM ")[1].split()[0]
    return Peak(seconds, int(kibibytes) / 1024)
