"""Speed of this library beside others, in alternation, in one run.

Command   python benchmarks/speed.py
          make bench
Data      Random ids; sentences and words of `pydoc_data.topics`, Python's
          manual, or `--sentences`. Other inputs in every round.
Needs     `.venv-bench` with the extra `bench` (`make bench` makes it); for
          Model Garden, a Python with the extra `garden`. 16 GB of memory,
          hours for everything, and a machine without other work. A peer
          that is missing is named in the table.
Output    OUTPUT, Markdown, and beside it a .json file with the seconds of
          every round; both are written after each work. OUTPUT.log has what
          the peers print.

Each peer is a process of its own, with a module of `peers`. All processes of a
table run at the same time and take turns: one computes while the others wait,
another one first in every round. All load the same weights, and before anything
is timed their results must agree with ours in float32; dropout is 0 unless the
title says otherwise. Padding never counts: tokens, words and operations are
those of the real text. "Of ceiling" is the share of the product of two square
matrices, of TensorFlow or torch, whichever is faster, measured in the same
rounds; `harness/operations.py` has the formulas. A process with one thread is
kept on one core.

In bfloat16 there can be two rows: "bfloat16" also stores the weights so,
"mixed_bfloat16" keeps them in float32 (for torch: autocast). "Ours is x times
as fast" compares with the faster row of ours in the same precision, the median
of the rounds' ratios.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from harness import page
from harness.cells import Cell, write_cells
from harness.files import write_text
from harness.machine import load, machine
from harness.measure import Bench
from harness.models import model_folders
from harness.options import check_names, check_page
from harness.registry import PEERS, Pythons, pythons_of
from harness.texts import manual_sentences, table_sentences
from harness.works import NAMES, OURS, Work, by_names

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Config:
    works: tuple[str, ...] = NAMES
    """Names of works in harness/works.py."""
    peers: tuple[str, ...] = tuple(PEERS)
    """Names of peers in harness/registry.py."""
    precisions: tuple[Literal["float32", "bfloat16"], ...] = (
        *("float32", "bfloat16"),
    )
    """Precisions."""
    threads: tuple[int, ...] = (2, 1)
    """Numbers of threads, and of cores."""
    rounds: int = 7
    """Rounds to measure, after warm-up, for works that do not set their own."""
    output: Path = ROOT / "benchmarks" / "speed.md"
    """Page to write."""
    sentences: Path | None = None
    """Table of sentences with labels of 0 or 1, such as SST-2's train.tsv. If
    not given: sentences of Python's manual."""
    bench_python: Path = ROOT / ".venv-bench" / "bin" / "python"
    """Python with the extra `bench`."""
    garden_python: Path = ROOT / ".venv-garden" / "bin" / "python"
    """Python with the extra `garden`."""
    tiny: bool = False
    """Small models and few rows: shows in minutes that everything runs."""

    def __post_init__(self):
        if self.rounds < 1:
            raise ValueError(
                "`rounds` must be at least 1. Give more for a smaller spread. "
                f"Received: rounds={self.rounds}"
            )
        if not self.threads or min(self.threads) < 1:
            raise ValueError(
                "`threads` must be numbers of at least 1, such as `--threads "
                f"2 1`. Received: threads={self.threads}"
            )
        by_names(self.works, self.tiny)
        check_names("peers", self.peers, PEERS)
        check_names("precisions", self.precisions, ("float32", "bfloat16"))
        check_page(self.output)

    def pythons(self) -> Pythons:
        return pythons_of(self.bench_python, self.garden_python)


def peers_of(work: Work, config: Config) -> list[str]:
    """Returns the peers to measure; ours always."""
    return [name for name in work.peers if name in (OURS, *config.peers)]


def page_text(
    config: Config, works: list[Work], cells: list[Cell], before: float
) -> str:
    """Returns the page, as far as it is measured."""
    lines = [
        "# Speed beside other libraries",
        "",
        "```bash",
        "make bench",
        "```",
        "",
        f"{machine()}; {page.versions(cells)}. All rows of a table took turns "
        "in one run; medians of "
        f"{config.rounds} rounds, or of the number that `harness/works.py` "
        "sets. `benchmarks/speed.py` says how. In the minute before the start "
        f"{before:.1f} other processes wanted a core.",
        "",
        *page.sections(works, cells),
    ]
    return "\n".join(lines)


def write(
    config: Config, works: list[Work], cells: list[Cell], before: float
) -> None:
    """Writes the page and the seconds of every round."""
    write_text(config.output, page_text(config, works, cells, before))
    write_cells(config.output, cells, load_before=before)


def main(config: Config) -> None:
    works = by_names(config.works, config.tiny)
    sentences = manual_sentences()
    if config.sentences is not None:  # read before the models are made
        sentences = table_sentences(config.sentences)
    pythons, before = config.pythons(), load()
    log = config.output.with_suffix(".log").resolve()
    write_text(log, "")
    cells: list[Cell] = []
    pythons.say_missing(x for work in works for x in peers_of(work, config))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        models = [work.model for work in works]
        bench = Bench(
            pythons,
            model_folders(models, pythons, scratch, log),
            sentences,
            config.rounds,
            scratch,
            log,
            matmul=512 if config.tiny else 2048,
        )
        for work in works:
            for threads in config.threads:
                for precision in config.precisions:
                    if precision == "float32" or work.bfloat16:
                        print(
                            f"{work.name}, {precision}, {threads} threads",
                            file=sys.stderr,
                            flush=True,
                        )
                        cell = bench.measure(
                            work, peers_of(work, config), precision, threads
                        )
                        cells.append(cell)
                        write(config, works, cells, before)
            found = [cell for cell in cells if cell.work == work.name]
            print("\n".join(page.work_section(work, found)), flush=True)
    print("\n".join(page.summary(works, cells)))
    print(f"Written: {config.output} and {config.output.stem}.json")


if __name__ == "__main__":
    main(tyro.cli(Config))
