"""Writes the measurements as Markdown."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from keras_ctx.files.whole_file import write_text

from .cells import Cell, Row
from .registry import CEILINGS, PEERS
from .works import Work

COLUMNS = (*("of ceiling", "MiB", "ours is x times as fast", "differs by"),)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yields the lines of a table, its first column to the left."""
    yield f"| {' | '.join(head)} |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def write_table(lines: Iterable[str], folder: Path) -> str:
    """Writes `table.md`, prints it, and returns it."""
    page = "\n".join(lines) + "\n"
    write_text(folder / "table.md", page)
    print(page)
    return page


def filled(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yields the lines of a table, without columns that have no number."""
    kept = [k for k in range(len(head)) if not k or any(row[k] for row in rows)]
    yield from table(
        [head[k] for k in kept], [[row[k] for k in kept] for row in rows]
    )


def number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def speed(value: float | None) -> str:
    if value is None:
        return ""
    return format(value, ",.0f" if value >= 100 else ",.1f")


def name(row: Row) -> str:
    """Returns the name of a peer, and its policy if that is of interest."""
    return row.peer if row.policy == "float32" else f"{row.peer}, {row.policy}"


def work_rows(cell: Cell) -> Iterator[list[str]]:
    """Yields the rows of a cell, those of ours first."""
    for row in cell.measured():
        speeds = cell.speeds(row)
        yield [
            name(row),
            cell.precision,
            str(cell.threads),
            speed(statistics.median(speeds)),
            f"{speed(min(speeds))} to {speed(max(speeds))}",
            number(cell.share(row), ".0%"),
            number(row.peak, ",.0f"),
            number(cell.ratio(row), ".2f"),
            number(row.difference, ".0e"),
        ]


def ceilings(cells: Sequence[Cell]) -> Iterator[str]:
    """Yields what a product of two square matrices reaches."""
    rows = []
    for cell in cells:
        found = " and ".join(
            f"{key} {value / 1e9:,.0f}"
            for key, value in cell.products().items()
        )
        if found:
            rows.append(f"{cell.precision} with {cell.threads}: {found}")
    if rows:
        yield (
            f"Ceiling, a product of {cells[0].matmul} x {cells[0].matmul}, "
            f"GFLOP/s, by precision and threads: {'; '.join(rows)}."
        )


def not_measured(cells: Sequence[Cell]) -> Iterator[str]:
    """Yields each peer that has no row, with the reason."""
    reasons: dict[str, list[str]] = {}
    for cell in cells:
        for row in [*cell.rows, *cell.ceilings.values()]:
            if row.problem:
                what = name(row)
                if row.peer in CEILINGS:
                    what = f"the product of {row.peer}"
                where = f"{what} ({cell.precision}, {cell.threads} threads)"
                reasons.setdefault(row.problem, []).append(where)
    for reason, where in reasons.items():
        yield f"- Not measured: {'; '.join(where)}: {reason}."


def differs(cells: Sequence[Cell]) -> Iterator[str]:
    """Yields why some peers give other numbers."""
    names = {
        row.peer
        for cell in cells
        for row in cell.measured()
        if row.difference != 0
    }
    for peer in sorted(names):
        if PEERS[peer].because:
            yield f"- {peer}: {PEERS[peer].because}."


def work_section(work: Work, cells: Sequence[Cell]) -> Iterator[str]:
    """Yields the section of a work."""
    yield f"## {work.title}"
    yield ""
    rows = [row for cell in cells for row in work_rows(cell)]
    if rows:
        head = ["", "precision", "threads", f"{work.unit}/s, median"]
        yield from filled([*head, "lowest to highest", *COLUMNS], rows)
        yield ""
    counts = sorted(x for cell in cells for x in cell.counts)
    if counts:
        most = f" to {counts[-1]:,}" if counts[-1] > counts[0] else ""
        yield f"Real {work.unit} of a step: {counts[0]:,}{most}."
        yield ""
    notes = [*differs(cells), *not_measured(cells)]
    for part in (list(ceilings(cells)), notes):
        if part:
            yield from (*part, "")


def summary(works: Sequence[Work], cells: Sequence[Cell]) -> Iterator[str]:
    """Yields a table of ours beside the best peer."""
    titles = {work.name: work for work in works}
    rows = []
    for cell in cells:
        ours, peer = cell.best(ours=True), cell.best(ours=False)
        best = [
            statistics.median(cell.speeds(x)) if x else None
            for x in (ours, peer)
        ]
        rows.append(
            [
                titles[cell.work].title,
                cell.precision,
                str(cell.threads),
                titles[cell.work].unit,
                speed(best[0]),
                number(cell.share(ours) if ours else None, ".0%"),
                speed(best[1]),
                name(peer) if peer else "none",
                f"**{cell.ratio(peer):.2f}**" if ours and peer else "",
            ]
        )
    head = ["work", "precision", "threads", "unit", "ours, a second"]
    head += ["of ceiling", "best peer, a second", "which", "ours / best"]
    yield from filled(head, rows)


def versions(cells: Sequence[Cell]) -> str:
    """Lists the versions of all libraries."""
    found: dict[str, str] = {}
    for cell in cells:
        for row in [*cell.rows, *cell.ceilings.values()]:
            found |= row.versions
    return ", ".join(f"{key} {found[key]}" for key in sorted(found))


def sections(works: Sequence[Work], cells: Sequence[Cell]) -> list[str]:
    """Returns the summary, and a section for each work that is measured."""
    lines = [*summary(works, cells), ""]
    for work in works:
        found = [cell for cell in cells if cell.work == work.name]
        if found:
            lines += work_section(work, found)
    return lines
