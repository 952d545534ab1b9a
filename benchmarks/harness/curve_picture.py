"""Draws curves: a column for each number that varies, time above memory."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    NullFormatter,
    NullLocator,
)

from .cells import Cell, Row
from .curves import Curve
from .works import KERAS_HUB, ONNX, OURS, SAMPLED, TORCH_LM

STYLES = {
    OURS: ("tab:blue", "o"),
    SAMPLED: ("tab:cyan", "D"),
    KERAS_HUB: ("tab:orange", "s"),
    "torch SDPA": ("tab:red", "^"),
    TORCH_LM: ("tab:red", "^"),
    ONNX: ("tab:green", "v"),
}
"""Colour and marker."""
AXES = {
    "seconds": (1, 2, 5),
    "peak memory, MiB": (1, 1.5, 2, 3, 5, 7),
}
"""Labels of the rows, and where a decade has ticks: memory has few decades."""


def points_of(
    curve: Curve, cells: Mapping[str, Cell]
) -> dict[str, list[tuple[int, Row]]]:
    """Returns the measured values of each peer, with their rows."""
    found: dict[str, list[tuple[int, Row]]] = {}
    for value, work in curve.works():
        if work.name in cells:
            for row in cells[work.name].measured():
                found.setdefault(row.peer, []).append((value, row))
    return found


def lines_of(
    curve: Curve, cells: Mapping[str, Cell]
) -> Iterator[tuple[str, dict[str, Any], list[int], tuple[list, list]]]:
    """Yields label, style, values, and the figures of both pictures."""
    training = curve.work.kind == "training"
    for peer, points in points_of(curve, cells).items():
        colour, marker = STYLES[peer]
        style = {
            "color": colour,
            "marker": marker,
            "markersize": 4,
            "linestyle": "--" if training else "-",
            "alpha": 0.85,
        }
        yield (
            f"{peer}, training" if training else peer,
            style,
            [value for value, _ in points],
            (
                [statistics.median(row.seconds) for _, row in points],
                [row.peak for _, row in points],
            ),
        )


def draw(
    curves: Iterable[Curve], cells: Mapping[str, Cell], path: Path
) -> None:
    """Draws what is measured, as a PNG of 1,200 pixels in width.

    Args:
        curves: The curves; those of the same number share a column.
        cells: The cells by the names of their works.
        path: The file to write.
    """
    columns: dict[str, list[Curve]] = {}
    for curve in curves:
        columns.setdefault(curve.number, []).append(curve)
    figure = Figure(figsize=(12, 6.5), layout="constrained")
    pictures = figure.subplots(2, len(columns), sharex="col", squeeze=False)
    legend: dict[str, Any] = {}
    for axes, group in zip(pictures.T, columns.values(), strict=True):
        for curve in group:
            for label, style, values, both in lines_of(curve, cells):
                for axis, numbers in zip(axes, both, strict=True):
                    [line] = axis.plot(values, numbers, label=label, **style)
                    legend.setdefault(label, line)
        values = sorted({value for curve in group for value in curve.values})
        for axis, ticks in zip(axes, AXES.values(), strict=True):
            finish(axis, values, ticks)
        axes[-1].set_xlabel(group[0].axis)
    for axis, label in zip(pictures[:, 0], AXES, strict=True):
        axis.set_ylabel(label)
    if legend:
        figure.legend(
            legend.values(),
            legend.keys(),
            loc="outside lower center",
            ncols=5,
        )
    figure.savefig(path, dpi=100, format="png")


def finish(axis: Any, values: list[int], ticks: Sequence[float]) -> None:
    """Makes the axes logarithmic, with ticks at the values and in decades."""
    axis.set(xscale="log", yscale="log")
    axis.set_xticks(values, [f"{value:,}" for value in values], fontsize=8)
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_locator(LogLocator(subs=ticks))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.tick_params(axis="y", labelsize=8)
    axis.grid(alpha=0.3)
