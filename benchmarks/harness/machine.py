"""Describes the machine of a measurement."""

import os
import platform
import re
from pathlib import Path

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


def load() -> float:
    """Returns the processes that wanted a core in the last minute."""
    return os.getloadavg()[0]
