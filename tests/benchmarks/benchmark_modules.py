"""Imports the modules of `benchmarks/`, which is no package."""

import importlib
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def module(name: str) -> Any:
    sys.path.insert(0, str(BENCHMARKS))  # as Python does for a script
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))
