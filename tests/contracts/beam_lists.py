"""Both rules of beam search with Python lists, and all sequences."""

import itertools
from collections.abc import Callable
from typing import Any

Next = Callable[[list[int]], Any]
"""From the new tokens so far to the log probabilities of the next, `(V,)`."""


def divisor(penalty: str, alpha: float, count: int) -> float:
    base = (5 + count) / 6 if penalty == "gnmt" else count
    return base**alpha


def every_sequence(
    following: Next, size: int, most: int, end: int, cut: bool
) -> list[tuple[float, list[int]]]:
    """Returns the sums of all sequences that end, or also of those cut."""
    found = []
    for count in range(1, most + 1):
        for ids in itertools.product(range(size), repeat=count):
            if end in ids[:-1] or (ids[-1] != end and count < most):
                continue
            if ids[-1] == end or cut:
                total = sum(
                    float(following([*ids[:i]])[ids[i]]) for i in range(count)
                )
                found.append((total, [*ids]))
    return found


def beam_search(
    following: Next,
    size: int,
    most: int,
    end: int,
    width: int,
    alpha: float,
    penalty: str,
    rule: str,
    early_stopping: bool | str,
    least: int = 0,
) -> list[tuple[float, list[int]]]:
    """Returns scores and new tokens, the best first."""
    alive: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, list[int]]] = []
    for count in range(1, most + 1):
        candidates = sorted(
            (
                (total + float(chances[token]), [*ids, token])
                for total, ids in alive
                for chances in [following(ids)]
                for token in range(size)
                if token != end or count >= least
            ),
            key=lambda x: -x[0],
        )[: 2 * width if width > 1 else 1]
        for place, (total, ids) in enumerate(candidates):
            stops = ids[-1] == end
            if rule == "huggingface":
                stops = (stops or count == most) and place < width
            if stops:
                score = total / divisor(penalty, alpha, count)
                finished.append((score, ids))
        finished = sorted(finished, key=lambda x: -x[0])[:width]
        alive = [x for x in candidates if x[1][-1] != end][:width]
        if not alive and not finished:
            break
        needed = width if rule == "huggingface" else 1
        if len(finished) >= needed:
            worst = finished[needed - 1][0]
            lengths = [count, most] if early_stopping == "never" else [count]
            bounds = [
                total / divisor(penalty, alpha, x)
                for total, _ in alive[:1]
                for x in lengths
            ]
            if early_stopping is True or worst >= max(bounds, default=worst):
                break
    if finished:
        return finished
    return [(x / divisor(penalty, alpha, len(ids)), ids) for x, ids in alive]
