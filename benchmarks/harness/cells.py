"""The measurements, as numbers."""

import dataclasses
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .files import write_text
from .machine import machine
from .works import OURS, SAMPLED

MATMUL_REPEATS = 3


@dataclass
class Row:
    """The measurements of one peer."""

    peer: str
    policy: str
    seconds: list[float] = field(default_factory=list)
    """Of each round."""
    peak: float = 0.0
    """Most memory of its process, MiB."""
    difference: float | None = None
    """Largest difference from ours in float32, by the largest number."""
    problem: str = ""
    """Why it is not measured."""
    versions: dict[str, str] = field(default_factory=dict)


@dataclass
class Cell:
    """A work in one precision, with this number of threads."""

    work: str
    precision: str
    threads: int
    matmul: int
    """Rows and columns of the product that gives the ceiling."""
    rows: list[Row] = field(default_factory=list)
    ceilings: dict[str, Row] = field(default_factory=dict)
    counts: list[int] = field(default_factory=list)
    """Real tokens, words or sentences of each round."""
    operations: list[float | None] = field(default_factory=list)

    def measured(self, ours: bool | None = None) -> list[Row]:
        """Returns the rows that have times: of ours, of peers, or all."""
        return [
            row
            for row in self.rows
            if row.seconds and not row.problem
            if ours is None or (row.peer in (OURS, SAMPLED)) == ours
        ]

    def speeds(self, row: Row) -> list[float]:
        """Returns tokens, words or sentences a second, of each round."""
        return [
            number / seconds
            for number, seconds in zip(self.counts, row.seconds, strict=True)
        ]

    def best(self, ours: bool) -> Row | None:
        """Returns the fastest row of ours, or of the peers."""
        rows = self.measured(ours)
        key = {id(x): statistics.median(self.speeds(x)) for x in rows}
        return max(rows, key=lambda row: key[id(row)], default=None)

    def ratio(self, row: Row, ours: Row | None = None) -> float | None:
        """Returns how many times as fast ours is: the median of the rounds.

        Args:
            row: The row of the peer.
            ours: A row of ours; `None`: the fastest.
        """
        ours = ours or self.best(ours=True)
        if ours is None:
            return None
        pairs = zip(row.seconds, ours.seconds, strict=True)
        return statistics.median(
            of_peer / of_ours for of_peer, of_ours in pairs
        )

    def products(self) -> dict[str, float]:
        """Returns the products of each library, in operations a second."""
        total = MATMUL_REPEATS * 2.0 * self.matmul**3
        return {
            name: total / statistics.median(row.seconds)
            for name, row in self.ceilings.items()
            if row.seconds and not row.problem
        }

    def ceiling(self) -> float | None:
        """Returns the product of the faster library."""
        return max(self.products().values(), default=None)

    def share(self, row: Row) -> float | None:
        """Returns the share of the ceiling."""
        ceiling = self.ceiling()
        if ceiling is None or None in self.operations:
            return None
        return statistics.median(
            (number or 0.0) / seconds / ceiling
            for number, seconds in zip(
                self.operations, row.seconds, strict=True
            )
        )


def write_cells(page: Path, cells: Sequence[Cell], **about: float) -> None:
    """Writes the seconds of every round, as JSON beside a page.

    Args:
        page: The page; the file has its name with the ending .json.
        cells: The measurements.
        **about: Numbers about the whole run.
    """
    content = {
        "machine": machine(),
        **about,
        "cells": [dataclasses.asdict(cell) for cell in cells],
    }
    text = json.dumps(content, indent=1) + "\n"
    write_text(page.with_suffix(".json"), text)
