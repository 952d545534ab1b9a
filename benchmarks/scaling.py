"""Time and memory against length, batch, layers and vocabulary.

Command   python benchmarks/scaling.py
Data      Random weights and ids; words of Python's manual.
Needs     `.venv-bench` with the extra `bench` (`make bench` makes it), the
          extra `recipes`, 16 GB of memory, and a machine without other work.
          A peer that is missing is named in the table.
Output    OUTPUT, Markdown: a table for each curve; beside it a .png and a
          .json file with the seconds of every round. All are written after
          each point. OUTPUT.log has what the peers print.
Expected  Time grows in proportion to each number, with long rows faster. That
          of the sampled softmax does not grow with the vocabulary.

Each point is measured as by `speed.py`, in float32: each peer is a process of
its own, started for this point; they take turns, and their results must agree
with ours before anything is timed. Except for the vocabulary, the model has
MiniLM's features and 2,048 positions.
"""

import dataclasses
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from harness import curve_page, page
from harness.cells import Cell, Row
from harness.curve_picture import draw
from harness.curves import NAMES, Curve, by_names
from harness.files import write_text, write_whole
from harness.machine import load, machine
from harness.measure import Bench
from harness.models import model_folders
from harness.options import check_counts, check_page
from harness.registry import pythons_of
from harness.works import OURS, Work

ROOT = Path(__file__).resolve().parents[1]
PRECISION = "float32"


@dataclass(frozen=True)
class Config:
    curves: tuple[str, ...] = NAMES
    """Names of curves in harness/curves.py."""
    threads: int = 2
    """Number of threads, and of cores."""
    rounds: int = 3
    """Rounds to measure, after warm-up."""
    output: Path = ROOT / "benchmarks" / "scaling.md"
    """Page to write."""
    bench_python: Path = ROOT / ".venv-bench" / "bin" / "python"
    """Python with the extra `bench`."""
    tiny: bool = False
    """Two small points of each curve: shows in minutes that everything runs."""

    def __post_init__(self):
        check_counts(threads=self.threads, rounds=self.rounds)
        by_names(self.curves, self.tiny)
        check_page(self.output)


def page_text(
    config: Config,
    curves: Sequence[Curve],
    cells: Mapping[str, Cell],
    before: float,
) -> str:
    """Returns the page, as far as it is measured."""
    lines = [
        "# Time and memory as sizes grow",
        "",
        "```bash",
        "python benchmarks/scaling.py",
        "```",
        "",
        f"{machine()}, {config.threads} threads, {PRECISION}; "
        f"{page.versions(list(cells.values()))}. Seconds of one step, medians "
        f"of the {config.rounds} rounds that all libraries took turns in. "
        '"MiB" is the peak of a process that measured this point alone, from '
        "its start: it contains the library itself, the weights as they were "
        "read, the compared steps and, for ONNX Runtime, the export of the "
        "model by PyTorch. The best peer is the fastest; the picture has all "
        "of them. `benchmarks/scaling.py` says how it is measured. In the "
        f"minute before the start {before:.1f} other processes wanted a core.",
        "",
        "![Time and memory against length, batch, layers and vocabulary]"
        f"({config.output.stem}.png)",
        "",
    ]
    for curve in curves:
        lines += curve_page.section(curve, cells)
    return "\n".join(lines)


def write(
    config: Config,
    curves: Sequence[Curve],
    cells: Mapping[str, Cell],
    before: float,
) -> None:
    """Writes the page, the picture and the seconds of every round."""
    points = [
        {"curve": curve.name, "value": value}
        | dataclasses.asdict(cells[work.name])
        for curve in curves
        for value, work in curve.works()
        if work.name in cells
    ]
    raw = {"machine": machine(), "load_before": before, "points": points}
    write_text(config.output, page_text(config, curves, cells, before))
    json_file = config.output.with_suffix(".json")
    write_text(json_file, json.dumps(raw, indent=1) + "\n")
    write_whole(
        config.output.with_suffix(".png"),
        lambda part: draw(curves, cells, part),
    )


def measured(bench: Bench, work: Work, threads: int) -> Cell:
    """Measures a point; the cell says so if ours fails, as without memory."""
    try:
        if work.model not in bench.folders:
            bench.folders |= model_folders(
                [work.model], bench.pythons, bench.scratch, bench.log
            )
        return bench.measure(work, list(work.peers), PRECISION, threads)
    except RuntimeError as error:
        row = Row(OURS, PRECISION, problem=str(error))
        return Cell(work.name, PRECISION, threads, 0, [row])


def main(config: Config) -> None:
    curves = by_names(config.curves, config.tiny)
    before = load()
    log = config.output.with_suffix(".log").resolve()
    write_text(log, "")
    cells: dict[str, Cell] = {}
    with tempfile.TemporaryDirectory() as folder:
        pythons = pythons_of(config.bench_python, Path())
        pythons.say_missing(x for curve in curves for x in curve.work.peers)
        bench = Bench(
            pythons,
            folders={},
            sentences=[],
            rounds=config.rounds,
            scratch=Path(folder),
            log=log,
            matmul=0,
        )
        for curve in curves:
            for value, work in curve.works():
                what = f"{curve.name}, {value:,}"
                print(what, file=sys.stderr, flush=True)
                cells[work.name] = measured(bench, work, config.threads)
                write(config, curves, cells, before)
            print("\n".join(curve_page.section(curve, cells)), flush=True)
    print(f"Written: {config.output}, and .png and .json beside it")


if __name__ == "__main__":
    main(tyro.cli(Config))
