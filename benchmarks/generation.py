"""Speed of generation beside other libraries, over a cache.

Command   python benchmarks/generation.py
Data      Random weights and ids.
Needs     `.venv-bench` with the extra `bench` (`make bench` makes it), the
          extra `recipes`, 16 GB of memory, an hour, and a machine without
          other work. A peer that is missing is named in the table.
Output    OUTPUT, Markdown: tokens a second of greedy search and of beam
          search, and a curve of the time of one new token; beside it a .png
          and a .json file with the seconds of every round. All are written
          after each work. OUTPUT.log has what the peers print.
Expected  The time of a new token hardly grows with the tokens before it.

Measured as by `speed.py`, in float32: each peer is a process of its own, they
take turns, and before anything is timed their token ids must equal ours. No
token ends a text, so all write the same number. Ours keeps its weights packed,
as `recipes/generate.py` and `translate.py`; KerasHub compiles by XLA, its
default; Hugging Face runs `generate` with its default cache. A beam search is
one by the rules of `transformers`.
"""

import dataclasses
import datetime
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tyro

from harness import curve_page, page
from harness.cells import Cell, write_cells
from harness.curve_picture import draw
from harness.files import write_text, write_whole
from harness.generation_works import NAMES, by_names
from harness.machine import load, machine, read_speed
from harness.measure import Bench
from harness.models import model_folders
from harness.options import check_counts, check_page
from harness.registry import pythons_of

ROOT = Path(__file__).resolve().parents[1]
PRECISION = "float32"


@dataclass(frozen=True)
class Config:
    works: tuple[str, ...] = NAMES
    """Names in harness/generation_works.py."""
    threads: int = 2
    """Number of threads, and of cores."""
    rounds: int = 5
    """Rounds to measure, after warm-up."""
    output: Path = ROOT / "benchmarks" / "generation.md"
    """Page to write."""
    bench_python: Path = ROOT / ".venv-bench" / "bin" / "python"
    """Python with the extra `bench`."""
    tiny: bool = False
    """Small models and few tokens: shows in minutes that everything runs."""

    def __post_init__(self):
        check_counts(threads=self.threads, rounds=self.rounds)
        by_names(self.works, self.tiny)
        check_page(self.output)


@dataclass(frozen=True)
class Page:
    """The page, as far as it is measured."""

    config: Config
    before: float
    """Processes that wanted a core before the start."""
    bytes_a_second: float
    cells: dict[str, Cell] = dataclasses.field(default_factory=dict)

    def text(self) -> str:
        config = self.config
        works, curves = by_names(config.works, config.tiny)
        cells = list(self.cells.values())
        found = [work for work in works if work.name in self.cells]
        lines = [
            "# Speed of generation",
            "",
            "```bash",
            "python benchmarks/generation.py",
            "```",
            "",
            f"{datetime.date.today():%-d %B %Y}. {machine()}, "
            f"{config.threads} threads, {PRECISION}; {page.versions(cells)}. "
            f"Medians of the {config.rounds} rounds that all libraries took "
            "turns in; new tokens of all rows count, beams do not. "
            "`benchmarks/generation.py` says how it is measured. In the "
            f"minute before the start {self.before:.1f} other processes "
            "wanted a core. The threads read "
            f"{self.bytes_a_second / 1e9:.1f} GB/s from memory: a step, which "
            "reads all 498 MB of `gpt2_small`, takes "
            f"{498e6 / self.bytes_a_second * 1e3:.0f} ms at least.",
            "",
        ]
        if found:
            lines += page.sections(found, [self.cells[x.name] for x in found])
        for curve in curves:
            lines += curve_page.section(curve, self.cells)
            lines += [
                f"![Time of a new token]({config.output.stem}.png)",
                "",
            ]
        return "\n".join(lines)

    def write(self) -> None:
        """Writes the page, the picture and the seconds of every round."""
        output = self.config.output
        write_text(output, self.text())
        write_cells(
            output,
            list(self.cells.values()),
            load_before=self.before,
            bytes_a_second=self.bytes_a_second,
        )
        _, curves = by_names(self.config.works, self.config.tiny)
        if curves:
            write_whole(
                output.with_suffix(".png"),
                lambda part: draw(curves, self.cells, part),
            )


def main(config: Config) -> None:
    works, curves = by_names(config.works, config.tiny)
    works += [work for curve in curves for _, work in curve.works()]
    found = Page(config, load(), read_speed(config.threads))
    log = config.output.with_suffix(".log").resolve()
    write_text(log, "")
    pythons = pythons_of(config.bench_python, Path())
    pythons.say_missing(x for work in works for x in work.peers)
    with tempfile.TemporaryDirectory() as folder:
        models = [work.model for work in works]
        scratch = Path(folder)
        bench = Bench(
            pythons,
            folders=model_folders(models, pythons, scratch, log),
            sentences=[],
            rounds=config.rounds,
            scratch=scratch,
            log=log,
            matmul=0,
        )
        for work in works:
            print(work.name, file=sys.stderr, flush=True)
            found.cells[work.name] = bench.measure(
                work, list(work.peers), PRECISION, config.threads
            )
            found.write()
    print(found.text())
    print(f"Written: {config.output}, and .json and .png beside it")


if __name__ == "__main__":
    main(tyro.cli(Config))
