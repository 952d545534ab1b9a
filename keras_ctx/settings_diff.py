"""Settings of a run that is gone on with, beside those of before."""

from typing import Any


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs, in words, sorted by name; a missing one counts as None."""
    return [
        f"{key}: {before.get(key)!r} there, {now.get(key)!r} now"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
