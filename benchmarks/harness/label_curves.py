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


def minutes_section(
    title: str, seconds: Scores, language_models: Mapping[str, float]
) -> Iterator[str]:
    """Yields how long the classifiers were trained, mean of the seeds."""
    numbers = sorted({n for line in seconds.values() for n in line})
    rows = [
        [line, *(f"{statistics.mean(x[n]) / 60:.1f}" for n in numbers)]
        for line, x in seconds.items()
    ]
    yield from table(
        [f"minutes, {title}", *(f"{n:,} labels" for n in numbers)], rows
    )
    yield ""
    models = (f"{name} {x:.0f}" for name, x in language_models.items())
    yield f"Minutes of the language models: {', '.join(models)}."
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
    more: Sequence[str],
) -> None:
    """Writes table.md and curve.png, and prints the tables.

    Args:
        found: The scores of each table.
        folder: Where the files are written.
        seeds: The seeds of the scores.
        more: Further lines of the page.
    """
    lines = [
        x for name, each in found.items() for x in section(TITLES[name], each)
    ]
    lines += more
    lines.append(
        f"Mean and deviation of the seeds {' '.join(map(str, seeds))}."
    )
    write_text(folder / "table.md", "\n".join(lines) + "\n")
    picture(found["english"], folder / "curve.png")
    print("\n".join(lines))
