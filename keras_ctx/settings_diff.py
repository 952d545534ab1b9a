"""Compares the settings of a run that resumes with its earlier ones."""

from typing import Any


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Describes what differs, sorted by name; a missing key counts as None."""
    return [
        f"{key}: {before.get(key)!r} there, {now.get(key)!r} now"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
