"""The time and memory that a refusal takes, in a process of its own."""

import subprocess
import sys
from pathlib import Path

# The largest memory of a process, which only grows, in kilobytes.
SCRIPT = """
import importlib, pathlib, resource, sys, time
import keras_ctx.models  # which registers the layers
module, function, folder = sys.argv[1:]
load = getattr(importlib.import_module(module), function)
def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(pathlib.Path(folder).iterdir()):
    memory, start = most(), time.perf_counter()
    try:
        load(path)
    except ValueError:
        pass
    else:
        raise SystemExit(f"{path} was loaded")
    took = time.perf_counter() - start
    figures = f"{path.name}: {took:.2f} s, {most() - memory:,} kB"
    print(figures)
    # Seconds on a busy machine; on an idle one it is less than one.
    if most() - memory > 100_000 or took > 5:
        raise SystemExit(figures)
"""


def check_refusals(module: str, function: str, folder: Path) -> None:
    """Each thing in a folder is refused, soon and in little memory."""
    subprocess.run(
        [sys.executable, "-c", SCRIPT, module, function, folder], check=True
    )
