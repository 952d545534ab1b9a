"""Speed of ELMo's original size on a CPU, compared with plain PyTorch.

Command   python benchmarks/elmo.py --torch-python /path/to/venv/bin/python
Data      Words and punctuation of `pydoc_data.topics`, Python's manual: rows
          from random positions, different ones in every round.
Needs     PyTorch in a separate Python:
          python -m venv /tmp/torch && /tmp/torch/bin/pip install torch numpy
          6 GB of memory, and about 15 minutes without other work.
Output    Markdown: a table of words per second and ratios, forward; another
          for forward and backward; memory and errors.

Ours is `models.distinct_words(models.elmo_original())` with clips, from
sentences to layers. The peer, in `elmo_torch.py`, gets character ids; its
LSTM is `torch.nn.LSTM(proj_size=512)`, which cannot clip. Both have the same
random weights, and before anything is timed they must give the same numbers,
ours without clips. For each cell of the table the processes take turns: one
computes while the others wait. Sentence markers do not count as words.
"Backward" is the gradient of the sum of all layers for all 93.6 million
weights, without an optimizer.
"""

import contextlib
import importlib.metadata
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from elmo_cells import measure, table
from elmo_texts import TEXTS, Rows, ragged, uniform
from worker import Worker

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-4
"""Largest difference between the two, relative to the largest number."""


@dataclass(frozen=True)
class Config:
    torch_python: Path = Path(sys.executable)
    """Python with PyTorch and NumPy."""
    batch_sizes: tuple[int, ...] = (1, 16, 64)
    """Batch sizes."""
    rounds: int = 5
    """Measurements of each cell, after warm-up."""
    threads: int = 2
    """Threads per process."""
    backward: bool = True
    """Whether to measure forward and backward, too."""

    def __post_init__(self):
        if self.rounds < 1:
            raise ValueError(
                f"`rounds` must be at least 1. Received: rounds={self.rounds}"
            )


@dataclass(frozen=True)
class Files:
    folder: Path

    @property
    def weights(self) -> Path:
        return self.folder / "weights.hdf5"

    @property
    def options(self) -> Path:
        return self.folder / "options.json"

    @property
    def options_without_clips(self) -> Path:
        return self.folder / "options_without_clips.json"

    def write(self) -> None:
        script = HERE / "elmo_keras.py"
        subprocess.run(
            [sys.executable, script, self.options, self.weights, "write", "2"],
            check=True,
        )
        options = json.loads(self.options.read_text("utf-8"))
        options["lstm"] |= {"cell_clip": None, "proj_clip": None}
        self.options_without_clips.write_text(json.dumps(options), "utf-8")


def ours(files: Files, dtype: str, config: Config, clips: bool = True):
    return Worker(
        sys.executable,
        HERE / "elmo_keras.py",
        files.options if clips else files.options_without_clips,
        files.weights,
        dtype,
        config.threads,
    )


def peer(files: Files, dtype: str, config: Config):
    return Worker(
        config.torch_python,
        HERE / "elmo_torch.py",
        files.options,
        files.weights.with_suffix(".npz"),
        dtype,
        config.threads,
    )


def answers(worker: Worker, files: Files, rows: Rows, backward: bool) -> dict:
    """Returns all layers by name, and gradients of the lowest weights."""
    path = files.folder / "answers.npz"
    worker.ask(rows=rows, backward=backward, save=str(path))
    with np.load(path) as arrays:
        return dict(arrays)


def check_sameness(files: Files, config: Config) -> str:
    """Describes the differences of the two models without clips.

    Raises:
        RuntimeError: They are too large.
    """
    rows = ragged(4, random.Random(0))
    with (
        ours(files, "float32", config, clips=False) as one,
        peer(files, "float32", config) as other,
    ):
        found = answers(one, files, rows, backward=True)
        expected = answers(other, files, rows, backward=True)
    apart = {
        name: np.abs(found[name] - value).max() / np.abs(value).max()
        for name, value in expected.items()
    }
    if not max(apart.values()) <= TOLERANCE:
        raise RuntimeError(
            "The two models differ, so their speeds say nothing. Differences "
            f"by the largest number: {apart}"
        )
    layers, weights = (
        max(value for name, value in apart.items() if ("layer" in name) == kind)
        for kind in (True, False)
    )
    return (
        "Without clips, ours and the peer differ in float32 by at most "
        f"{layers:.0e} of the largest number in any layer, and {weights:.0e} "
        "in the gradients of the characters' table and of the lowest LSTM's "
        "projection."
    )


def error_of_bfloat16(workers: dict[str, Worker], files: Files) -> Iterator:
    rows = uniform(16, random.Random(1))
    for who in ("ours", "peer"):
        layer = "layer_2"
        exact, rounded = (
            answers(workers[f"{who} {dtype}"], files, rows, False)[layer]
            for dtype in ("float32", "bfloat16")
        )
        error = rounded - exact
        relative = np.linalg.norm(error) / np.linalg.norm(exact)
        yield (
            f"bfloat16 against float32, {who}, top layer of 16 rows: largest "
            f"difference {np.abs(error).max():.3f} (numbers up to "
            f"{np.abs(exact).max():.2f}), relative {relative:.2%} (norm of the "
            "difference by the norm)."
        )


def phase(files: Files, config: Config, backward: bool) -> Iterator[str]:
    # Trained weights stay float32: an update is too small for bfloat16. For
    # inference alone they need not.
    policy = "mixed_bfloat16" if backward else "bfloat16"
    with contextlib.ExitStack() as stack:
        workers = {
            "ours float32": ours(files, "float32", config),
            "peer float32": peer(files, "float32", config),
            "ours bfloat16": ours(files, policy, config),
            "peer bfloat16": peer(files, "bfloat16", config),
        }
        for worker in workers.values():
            stack.enter_context(worker)
        errors = [] if backward else list(error_of_bfloat16(workers, files))
        cells = [
            measure(workers, text, size, backward, config.rounds)
            for size in config.batch_sizes
            for text in TEXTS
        ]
        word = [["word"]]
        peaks = {n: w.ask(rows=word)["peak"] for n, w in workers.items()}
    title = "Forward and backward" if backward else "Forward"
    yield f'{title}; ours in bfloat16 by the policy "{policy}":'
    yield ""
    yield from table(cells)
    yield ""
    figures = (f"{name} {peak:,.0f}" for name, peak in peaks.items())
    yield f"Peak memory of each process, MiB: {', '.join(figures)}."
    yield from errors
    yield ""


def machine() -> str:
    """Describes the processor and its cores."""
    name, flags = platform.processor(), "flags unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        facts = dict(
            re.findall(r"^(\S.*?)\s*: (.*)$", cpuinfo.read_text(), re.MULTILINE)
        )
        name = facts.get("model name", name)
        flags = ", ".join(
            flag
            for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
            if flag in facts.get("flags", "").split()
        )
    return f"{os.cpu_count()} cores of {name} ({flags})"


def torch_version(python: Path) -> str:
    """Returns the version of PyTorch.

    Raises:
        SystemExit: That Python has no PyTorch.
    """
    found = subprocess.run(
        [python, "-c", "import numpy, torch; print(torch.__version__)"],
        capture_output=True,
        text=True,
    )
    if found.returncode:
        raise SystemExit(
            f"{python} has no PyTorch to compare with:\n{found.stderr}\n"
            "Give it a Python of its own and name that:\n"
            "  python -m venv /tmp/torch\n"
            "  /tmp/torch/bin/pip install torch numpy\n"
            "  python benchmarks/elmo.py --torch-python /tmp/torch/bin/python"
        )
    return found.stdout.strip()


def main(config: Config) -> None:
    versions = {
        "torch": torch_version(config.torch_python),
        **{
            package: importlib.metadata.version(package)
            for package in ("tensorflow", "keras", "keras_ctx")
        },
    }
    lines = [
        f"{machine()}, {config.threads} threads; "
        + ", ".join(f"{name} {number}" for name, number in versions.items())
        + f". Words a second, median (best) of {config.rounds} rounds.",
        "",
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        files.write()
        lines += [check_sameness(files, config), ""]
        print(*lines, sep="\n", file=sys.stderr)
        lines += phase(files, config, backward=False)
        if config.backward:
            lines += phase(files, config, backward=True)
    print(*lines, sep="\n")


if __name__ == "__main__":
    main(tyro.cli(Config))
