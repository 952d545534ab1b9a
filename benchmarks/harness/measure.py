"""Measures a work: all peers in turn, in one run, on the same inputs."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .cells import MATMUL_REPEATS, Cell, Row
from .inputs import Inputs, Sentences, count, make_inputs, real_numbers
from .operations import operations
from .registry import CEILINGS, PEERS, Peer, Pythons
from .text_lengths import text_lengths
from .texts import SENTENCES
from .worker import Worker, environment
from .works import OURS, Work

SCRIPT = Path(__file__).resolve().parents[1] / "speed_worker.py"
# After its step a library may keep its threads spinning for a while.
PAUSE = 0.25
CHECK_SEED = 1_000_000


@dataclass
class Side:
    """A running peer."""

    row: Row
    worker: Worker

    def run(self, inputs: Inputs, save: str = "") -> float:
        """Does one step, and returns its seconds.

        Raises:
            RuntimeError: The peer failed, or its process has ended.
        """
        reply = self.worker.ask(do="run", inputs=inputs, save=save)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        self.row.peak = reply["peak"]
        return reply["seconds"]


@dataclass
class Bench:
    """What all works share.

    Args:
        pythons: The environments.
        folders: Folder of each model.
        sentences: Sentences with labels of 0 or 1.
        rounds: Rounds after warm-up.
        scratch: Folder for results.
        log: File for what the peers print.
        matmul: Rows and columns of the product that gives the ceiling; 0:
            neither ceiling nor operations are wanted.
    """

    pythons: Pythons
    folders: dict[str, Path]
    sentences: Sentences
    rounds: int
    scratch: Path
    log: Path
    matmul: int
    references: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def measure(
        self, work: Work, peers: list[str], precision: str, threads: int
    ) -> Cell:
        """Measures one work in one precision and number of threads."""
        cell = Cell(work.name, precision, threads, self.matmul)
        reference = self.reference(work, threads)
        with ExitStack() as stack:
            sides = []
            for name in peers:
                for policy in policies(PEERS[name], work, precision):
                    row = Row(name, policy)
                    cell.rows.append(row)
                    side = self._start(stack, PEERS[name], row, work, threads)
                    if side and self._agrees(side, work, precision, reference):
                        sides.append(side)
            for name, peer in CEILINGS.items() if self.matmul else ():
                row = cell.ceilings[name] = Row(name, precision)
                side = self._start(stack, peer, row, None, threads)
                sides += [side] if side else []
            for number in range(work.warm_up + (work.rounds or self.rounds)):
                kept = number >= work.warm_up
                inputs = make_inputs(work, number, self.sentences_of(work))
                for side in turned(sides, number):
                    self._time(side, inputs, kept)
                if kept:
                    cell.counts.append(count(work, inputs))
                    cell.operations.append(self._operations(work, inputs))
        return cell

    def _operations(self, work: Work, inputs: Inputs) -> float | None:
        if not self.matmul:
            return None
        lengths = text_lengths(self.folders[work.model], inputs, work.length)
        return operations(work, inputs, lengths)

    def sentences_of(self, work: Work) -> Sentences:
        """Returns the sentences in the model's folder, if it has some."""
        path = self.folders[work.model] / SENTENCES
        if not path.is_file():
            return self.sentences
        return [(line, 0) for line in path.read_text("utf-8").splitlines()]

    def reference(self, work: Work, threads: int) -> list[np.ndarray]:
        """Returns the results of ours in float32.

        Raises:
            RuntimeError: Ours fails.
        """
        if work.name not in self.references:
            row = Row(OURS, "float32")
            with ExitStack() as stack:
                side = self._start(stack, PEERS[OURS], row, work, threads)
                if side is None:
                    raise RuntimeError(
                        f"Ours fails at the work {work.name!r}, so there is "
                        f"nothing to compare with: {row.problem}. See "
                        f"{self.log}."
                    )
                results = list(self._results(side, work))
            self.references[work.name] = results
        return self.references[work.name]

    def _start(
        self,
        stack: ExitStack,
        peer: Peer,
        row: Row,
        work: Work | None,
        threads: int,
    ) -> Side | None:
        """Starts a peer; says in its row why, if it cannot."""
        task = {
            "kind": work.kind if work else "matmul",
            "folder": str(self.folders[work.model]) if work else "",
            "policy": row.policy,
            "threads": threads,
            "variant": peer.variant,
            "dropout": work.dropout if work else 0.0,
            "max_length": work.length if work else 0,
            "rows": work.rows if work else 0,
            "new": work.new if work else 0,
            "scratch": tempfile.mkdtemp(dir=self.scratch),
        }
        try:
            worker = Worker(
                self.pythons.of(peer),
                SCRIPT,
                peer.module,
                threads,
                environment=environment(threads),
                log=self.log,
            )
            stack.enter_context(worker)
            reply = worker.ask(do="prepare", task=task)
        except RuntimeError as error:
            row.problem = str(error)
            return None
        row.problem = reply.get("error", "")
        row.versions = reply.get("versions", {})
        return None if row.problem else Side(row, worker)

    def _time(self, side: Side, inputs: Inputs, kept: bool) -> None:
        if side.row.problem:
            return
        time.sleep(PAUSE)
        if side.row.peer in CEILINGS:
            inputs = {"n": self.matmul, "repeats": MATMUL_REPEATS}
        try:
            seconds = side.run(inputs)
        except RuntimeError as error:
            side.row.problem = str(error)
            return
        if kept:
            side.row.seconds.append(seconds)

    def _results(self, side: Side, work: Work) -> Iterator[np.ndarray]:
        """Yields the results of the first steps after loading."""
        path = self.scratch / "result.npy"
        for step in range(work.checks):
            inputs = make_inputs(
                work, CHECK_SEED + step, self.sentences_of(work)
            )
            side.run(inputs, save=str(path))
            yield real_numbers(inputs, np.load(path))

    def _agrees(
        self,
        side: Side,
        work: Work,
        precision: str,
        reference: list[np.ndarray],
    ) -> bool:
        """Compares the results of a peer with ours; says so if they differ."""
        row, peer = side.row, PEERS[side.row.peer]
        exact = precision == "float32"
        most = work.tolerance if exact else work.tolerance_bfloat16
        most = max(most, peer.tolerance.get(work.kind, 0.0))
        try:
            row.difference = max(
                difference(result, expected)
                for result, expected in zip(
                    self._results(side, work), reference, strict=True
                )
            )
        except RuntimeError as error:
            row.problem = str(error)
            return False
        if not row.difference <= most:
            row.problem = (
                f"its results differ from ours by {row.difference:.1e} of the "
                f"largest number, more than {most:g}, so its speed says nothing"
            )
        return not row.problem


def difference(result: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference, by the largest number."""
    if result.shape != expected.shape:
        return float("inf")
    apart = np.abs(result.astype("float64") - expected).max(initial=0.0)
    return float(apart / max(np.abs(expected).max(initial=0.0), 1e-30))


def policies(peer: Peer, work: Work, precision: str) -> tuple[str, ...]:
    if precision == "float32":
        return ("float32",)
    return work.bfloat16 if peer.policies else work.bfloat16[:1]


def turned(sides: list[Side], number: int) -> list[Side]:
    """Returns the sides, another one first in every round."""
    start = number % max(len(sides), 1)
    return sides[start:] + sides[:start]
