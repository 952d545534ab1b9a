"""Writes curves as Markdown: a table for each."""

import statistics
from collections.abc import Iterator, Mapping

from .cells import Cell, Row
from .curves import Curve
from .page import differs, number, table
from .works import OURS, SAMPLED


def seconds(row: Row) -> str:
    return format(statistics.median(row.seconds), ".3g")


def figures(row: Row | None) -> list[str]:
    """Returns a peer's name, seconds and memory; empty without a peer."""
    if row is None:
        return ["none", "", ""]
    return [row.peer, seconds(row), number(row.peak, ",.0f")]


def point_rows(value: int, cell: Cell) -> Iterator[list[str]]:
    """Yields a row of the table for each row of ours."""
    peer = cell.best(ours=False)
    for row in cell.rows:
        if row.peer not in (OURS, SAMPLED):
            continue
        what = f"{value:,}{row.peer.removeprefix(OURS)}"
        if row.problem or not row.seconds:
            yield [what, "not measured", "", "", *figures(peer), ""]
            continue
        yield [
            what,
            seconds(row),
            f"{min(row.seconds):.3g} to {max(row.seconds):.3g}",
            number(row.peak, ",.0f"),
            *figures(peer),
            f"**{cell.ratio(peer, row):.2f}**" if peer else "",
        ]


def not_measured(points: Mapping[int, Cell]) -> Iterator[str]:
    """Yields each reason, with the points at which a library has none."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for value, cell in points.items():
        for row in cell.rows:
            if row.problem:
                key = row.peer, row.problem.rstrip(".")
                reasons.setdefault(key, []).append(f"{value:,}")
    for (peer, reason), values in reasons.items():
        yield f"- Not measured: {peer}, at {'; '.join(values)}: {reason}."


def section(curve: Curve, cells: Mapping[str, Cell]) -> Iterator[str]:
    """Yields the section of a curve, as far as it is measured.

    Args:
        curve: The curve.
        cells: The cells by the names of their works.
    """
    points = {
        value: cells[work.name]
        for value, work in curve.works()
        if work.name in cells
    }
    if not points:
        return
    yield f"## {curve.title}"
    yield ""
    head = [curve.axis, "ours, s", "lowest to highest", "MiB"]
    head += ["best peer", "s", "MiB", "ours is x times as fast"]
    rows = [row for point in points.items() for row in point_rows(*point)]
    yield from table(head, rows)
    yield ""
    notes = [*differs(list(points.values())), *not_measured(points)]
    if notes:
        yield from (*notes, "")
