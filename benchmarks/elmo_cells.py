"""Measurements of `elmo.py`, one for each row of its table."""

import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from elmo_texts import TEXTS, Rows, ragged
from worker import Worker


@dataclass
class Cell:
    """The measurements on one kind of text."""

    label: str
    words: list[int]
    distinct: float
    seconds: dict[str, list[float]]

    def speed(self, name: str) -> str:
        speeds = [
            words / seconds
            for words, seconds in zip(
                self.words, self.seconds[name], strict=True
            )
        ]
        return f"{statistics.median(speeds):.0f} ({max(speeds):.0f})"

    def ratio(self, name: str, other: str) -> str:
        """Returns the ratio of speeds, the median of the rounds."""
        ratios = [
            theirs / mine
            for mine, theirs in zip(
                self.seconds[name], self.seconds[other], strict=True
            )
        ]
        return f"**{statistics.median(ratios):.2f}**"


def measure(
    workers: dict[str, Worker],
    text: str,
    batch_size: int,
    backward: bool,
    rounds: int,
) -> Cell:
    draw = random.Random(f"{text} {batch_size}")
    make = TEXTS[text]
    packed = {
        name: peer_packs(worker, make(batch_size, draw), backward)
        for name, worker in workers.items()
        if name.startswith("peer") and make is ragged
    }
    cell = Cell(f"{batch_size} x {text}", [], 0.0, {n: [] for n in workers})
    shares = []
    for number in range(rounds + 1):
        rows = make(batch_size, draw)
        words = [word for row in rows for word in row]
        times = {
            name: worker.ask(
                rows=rows, backward=backward, packed=packed.get(name, False)
            )["seconds"]
            for name, worker in workers.items()
        }
        if number > 0:  # the first warms up
            cell.words.append(len(words))
            shares.append(len(set(words)) / len(words))
            for name, seconds in times.items():
                cell.seconds[name].append(seconds)
    cell.distinct = statistics.mean(shares)
    medians = {
        name: round(statistics.median(seconds), 3)
        for name, seconds in cell.seconds.items()
    }
    print(f"{cell.label}, seconds: {medians}", file=sys.stderr, flush=True)
    return cell


def peer_packs(worker: Worker, rows: Rows, backward: bool) -> bool:
    """Returns whether the peer is faster on packed sequences."""
    times = {
        packed: min(
            worker.ask(rows=rows, backward=backward, packed=packed)["seconds"]
            for _ in range(2)
        )
        for packed in (False, True)
    }
    return times[True] < times[False]


def table(cells: list[Cell]) -> Iterator[str]:
    yield (
        "| batch | distinct | peer float32 | peer bfloat16 | ours float32 | "
        "x peer | ours bfloat16 | x peer float32 | x peer bfloat16 |"
    )
    yield "|---|" + "---:|" * 8
    for cell in cells:
        columns = [
            cell.label,
            f"{cell.distinct:.0%}",
            cell.speed("peer float32"),
            cell.speed("peer bfloat16"),
            cell.speed("ours float32"),
            cell.ratio("ours float32", "peer float32"),
            cell.speed("ours bfloat16"),
            cell.ratio("ours bfloat16", "peer float32"),
            cell.ratio("ours bfloat16", "peer bfloat16"),
        ]
        yield f"| {' | '.join(columns)} |"
