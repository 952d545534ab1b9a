"""Sentences for `elmo.py`: rows of words and punctuation of real English."""

import random
import re
from collections.abc import Callable
from pydoc_data.topics import topics

LENGTH, SHORTEST = 24, 6
Rows = list[list[str]]
WORDS = re.findall(
    r"[A-Za-z]+|[.,;:!?()]", " ".join(topics[key] for key in sorted(topics))
)


def uniform(batch_size: int, draw: random.Random) -> Rows:
    starts = [draw.randrange(len(WORDS) - LENGTH) for _ in range(batch_size)]
    return [WORDS[start : start + LENGTH] for start in starts]


def ragged(batch_size: int, draw: random.Random) -> Rows:
    rows = uniform(batch_size, draw)
    return [row[: draw.randint(SHORTEST, LENGTH)] for row in rows]


def all_distinct(batch_size: int, draw: random.Random) -> Rows:
    words = draw.sample(sorted(set(WORDS)), batch_size * LENGTH)
    return [
        words[start : start + LENGTH] for start in range(0, len(words), LENGTH)
    ]


TEXTS: dict[str, Callable[[int, random.Random], Rows]] = {
    f"{LENGTH} words": uniform,
    f"{SHORTEST} to {LENGTH} words": ragged,
    f"{LENGTH} words, all distinct": all_distinct,
}
