"""Splits cases between `make test` and `make slow`."""

from collections.abc import Iterable
from typing import Any

import pytest


def quick(values: Iterable[Any], *chosen: Any) -> list[Any]:
    """Returns cases for `parametrize`, slow except the chosen ones."""
    values = list(values)
    assert set(chosen) <= set(values), "a chosen case is none"
    slow = [pytest.mark.slow]
    return [
        pytest.param(value, marks=slow * (value not in chosen))
        for value in values
    ]
