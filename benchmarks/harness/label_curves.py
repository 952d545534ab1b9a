"""Writes errors against the number of labels: tables and a picture."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from .files import write_text
from .page import table

# Of a line, of a number of labels: the accuracy of each seed.
Scores = dict[str, dict[int, list[float]]]
TITLES = {
    "english": "SST-2",
    "ablations": "SST-2, what each part gives",
    "chinese": "Chinese product reviews",
}


def error(scores: Sequence[float]) -> tuple[float, float]:
    """Returns mean and deviation of the error, in percent."""
    errors = [100 * (1 - x) for x in scores]
    spread = statistics.stdev(errors) if len(errors) > 1 else 0.0
    return statistics.mean(errors), spread


def section(title: str, scores: Scores) -> Iterator[str]:
    numbers = sorted({n for line in scores.values() for n in line})
    rows = []
    for line, of_numbers in scores.items():
        cells = [
            "{:.1f} ± {:.1f}".format(*error(of_numbers[n])) for n in numbers
        ]
        rows.append([line, *cells])
    yield f"## {title}"
    yield ""
    yield from table(["error, %", *(f"{n:,} labels" for n in numbers)], rows)
    yield ""


def picture(scores: Scores, path: Path) -> None:
    figure, axis = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for line, of_numbers in scores.items():
        numbers = sorted(of_numbers)
        found = [error(of_numbers[n]) for n in numbers]
        axis.errorbar(
            numbers,
            [mean for mean, _ in found],
            [spread for _, spread in found],
            marker="o",
            capsize=3,
            label=line,
        )
        axis.set_xscale("log")
        axis.set_xticks(numbers, [f"{n:,}" for n in numbers])
    axis.minorticks_off()
    axis.set_xlabel("labels")
    axis.set_ylabel("error, %")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def write_page(
    found: Mapping[str, Scores],
    folder: Path,
    seeds: Sequence[int],
    minutes: float,
) -> None:
    """Writes table.md and curve.png, and prints the tables."""
    lines = [
        x for name, each in found.items() for x in section(TITLES[name], each)
    ]
    lines.append(
        f"Mean and deviation over the seeds {', '.join(map(str, seeds))}; "
        f"{minutes:.0f} minutes in the last start."
    )
    write_text(folder / "table.md", "\n".join(lines) + "\n")
    picture(found["english"], folder / "curve.png")
    print("\n".join(lines))
