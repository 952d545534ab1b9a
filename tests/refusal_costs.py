"""Measures time and memory of refusals in a separate process."""

import subprocess
import sys
from pathlib import Path

# Peak memory of a process in kilobytes; it never falls.
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
    """Checks that each file is refused, quickly and in little memory."""
    subprocess.run(
        [sys.executable, "-c", SCRIPT, module, function, folder], check=True
    )
