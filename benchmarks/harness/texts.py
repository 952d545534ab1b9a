"""Real English for the benchmarks: words and sentences of Python's manual."""

import random
import re
from pathlib import Path
from pydoc_data.topics import topics

SENTENCES = "sentences.txt"
"""File of a model's folder with sentences in its language."""
WORDS = re.findall(
    r"[A-Za-z]+|[.,;:!?()]", " ".join(topics[key] for key in sorted(topics))
)


def word_rows(
    count: int, shortest: int, longest: int, draw: random.Random
) -> list[list[str]]:
    """Returns rows of words that follow each other in the manual."""
    starts = [draw.randrange(len(WORDS) - longest) for _ in range(count)]
    return [
        WORDS[start : start + draw.randint(shortest, longest)]
        for start in starts
    ]


def manual_sentences() -> list[tuple[str, int]]:
    """Returns the sentences, and whether each has a word of denial."""
    found = []
    for key in sorted(topics):
        prose = re.sub(r"[*`\"=~^|+-]+", " ", topics[key])
        for line in re.split(r"(?<=[.!?:])\s+", re.sub(r"\s+", " ", prose)):
            if 20 < len(line) < 200:
                denied = re.search(r"\b(not?|cannot|never|none)\b", line, re.I)
                found.append((line, int(denied is not None)))
    return found


def table_sentences(path: Path) -> list[tuple[str, int]]:
    """Reads a table of `sentence`, tab, `label`, below a header.

    Raises:
        ValueError: A line has no label of 0 or 1.
    """
    found = []
    lines = path.read_text("utf-8").splitlines()[1:]
    for number, line in enumerate(lines, 2):
        sentence, _, label = line.partition("\t")
        if label.strip() not in ("0", "1"):
            raise ValueError(
                "`sentences` must be a table with a header, then a sentence, "
                "a tab and a label of 0 or 1 on each line. Convert the file. "
                f"Received: {path}, line {number}: {line[:80]!r}"
            )
        found.append((sentence.strip(), int(label)))
    return found
