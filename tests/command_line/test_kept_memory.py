"""Freed memory: used again, not asked of the system once more."""

import platform
import subprocess
import sys

from keras_ctx.command_line import kept_memory

import pytest

ARRAYS = """
import resource
import numpy as np
{}
def faults():
    for _ in range(4):
        np.ones(1 << 23)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
first = faults()
print(faults() - first)
"""
# Without the package, which imports TensorFlow.
KEPT = f"""
import runpy
runpy.run_path({kept_memory.__file__!r})["keep_freed_memory"]()
"""
# Huge pages of 2 MiB would make fewer faults of both, so they are compared.
PAGES = 4 * 32


def faults(program: str) -> int:
    command = [sys.executable, "-c", ARRAYS.format(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="glibc's allocator alone"
)
def test_large_pieces_are_used_again() -> None:
    assert faults("") >= PAGES
    assert faults(KEPT) < PAGES / 10


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    kept_memory.keep_freed_memory()
