"""Speed of AWD-LSTM beside `torch.nn.LSTM`, in alternation, in one run.

Command   python benchmarks/awd_lstm_speed.py
Data      Random weights and ids, ids by Zipf's law.
Needs     `.venv-bench` with the extra `bench` (`make bench` makes it), 8 GB
          of memory, and a machine without other work. A peer that is missing
          is named in the table.
Output    OUTPUT, Markdown, and beside it a .json file with the seconds of
          every round; both are written after each work. OUTPUT.log has what
          the peers print.

Measured as by `speed.py`: each peer is a process of its own, they take turns,
and before anything is timed the last layer, and the losses of three steps from
the same weights, must agree with ours. All dropouts are 0: plain PyTorch has no
weight drop. A step reads 64 rows of 70 tokens, from a state of zeros.
"""

import datetime
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from harness import page
from harness.awd_lstm_works import NAMES, by_names
from harness.cells import Cell, write_cells
from harness.files import write_text
from harness.machine import load, machine
from harness.measure import Bench
from harness.models import model_folders
from harness.options import check_counts, check_names, check_page
from harness.registry import pythons_of
from harness.works import Work

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Config:
    works: tuple[str, ...] = NAMES
    """Names in harness/awd_lstm_works.py."""
    precisions: tuple[Literal["float32", "bfloat16"], ...] = (
        *("float32", "bfloat16"),
    )
    """Precisions."""
    threads: int = 2
    """Number of threads, and of cores."""
    rounds: int = 5
    """Rounds to measure, after warm-up."""
    output: Path = ROOT / "benchmarks" / "awd_lstm_speed.md"
    """Page to write."""
    bench_python: Path = ROOT / ".venv-bench" / "bin" / "python"
    """Python with the extra `bench`."""
    tiny: bool = False
    """Small models and few tokens: shows in a minute that everything runs."""

    def __post_init__(self):
        check_counts(threads=self.threads, rounds=self.rounds)
        by_names(self.works, self.tiny)
        check_names("precisions", self.precisions, ("float32", "bfloat16"))
        check_page(self.output)


def page_text(
    config: Config, works: list[Work], cells: list[Cell], before: float
) -> str:
    """Returns the page, as far as it is measured."""
    lines = [
        "# Speed of AWD-LSTM",
        "",
        "```bash",
        "python benchmarks/awd_lstm_speed.py",
        "```",
        "",
        f"{datetime.date.today():%-d %B %Y}. {machine()}, {config.threads} "
        f"threads; {page.versions(cells)}. Medians of the {config.rounds} "
        "rounds that both libraries took turns in. "
        "`benchmarks/awd_lstm_speed.py` says how it is measured. In the "
        f"minute before the start {before:.1f} other processes wanted a core.",
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
    works, before = by_names(config.works, config.tiny), load()
    log = config.output.with_suffix(".log").resolve()
    write_text(log, "")
    pythons = pythons_of(config.bench_python, Path())
    pythons.say_missing(x for work in works for x in work.peers)
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        bench = Bench(
            pythons,
            folders=model_folders(
                [x.model for x in works], pythons, scratch, log
            ),
            sentences=[],
            rounds=config.rounds,
            scratch=scratch,
            log=log,
            matmul=0,
        )
        for work in works:
            for precision in config.precisions:
                print(f"{work.name}, {precision}", file=sys.stderr, flush=True)
                cells.append(
                    bench.measure(
                        work, list(work.peers), precision, config.threads
                    )
                )
                write(config, works, cells, before)
    print(page_text(config, works, cells, before))
    print(f"Written: {config.output} and {config.output.stem}.json")


if __name__ == "__main__":
    main(tyro.cli(Config))
