"""Describes the machine of a measurement."""

import os
import platform
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def machine() -> str:
    """Describes the processor and its cores."""
    name, flags = platform.processor(), "flags unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        facts = dict(
            re.findall(r"^(\S.*?)\s*: (.*)$", cpuinfo.read_text(), re.MULTILINE)
        )
        name = facts.get("model name", name)
        given = facts.get("flags", "").split()
        flags = ", ".join(flag for flag in FLAGS if flag in given)
    return f"{os.cpu_count()} cores of {name} ({flags})"


def read_speed(threads: int) -> float:
    """Returns the bytes a second that threads read from memory, at best."""
    parts = [np.ones(1 << 26, "float32") for _ in range(threads)]
    seconds = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(10):
            start = time.perf_counter()
            list(pool.map(np.max, parts))
            seconds.append(time.perf_counter() - start)
    return sum(part.nbytes for part in parts) / min(seconds)


def load() -> float:
    """Returns the processes that wanted a core in the last minute."""
    return os.getloadavg()[0]
