"""Semantic roles by the most frequent label, the score that a model must beat.

Command   python benchmarks/role_baseline.py --train train.jsonl.gz \
              --dev dev.jsonl.gz
Data      Files of `data.read_propositions`.
Output    OUTPUT/table.md. It takes less than a minute; `--toy` reads 100
          sentences.

The predicate is given: its word and its lemma. The first row is given the
spans of the arguments as well, and only labels them; the second has to find
them. `fine_tuning.FrequentRoles` says how.
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from harness.page import table
from keras_ctx import data, evaluation, fine_tuning
from keras_ctx.evaluation import Proposition
from keras_ctx.files.whole_file import write_text

TOY = 100


@dataclass(frozen=True)
class Config:
    train: Path
    """Propositions to count."""
    dev: Path
    """Propositions to score."""
    output: Path = Path("runs/role_baseline")
    """Folder of the table."""
    toy: bool = False
    """Whether to try it with figures that mean nothing."""


def read(path: Path, toy: bool) -> list[list[Proposition]]:
    sentences = data.read_propositions(path)
    return [row for _, row in (sentences[:TOY] if toy else sentences)]


def main(config: Config) -> dict[str, dict[str, float]]:
    config.output.mkdir(parents=True, exist_ok=True)
    train, dev = (read(x, config.toy) for x in (config.train, config.dev))
    roles = fine_tuning.FrequentRoles(one for row in train for one in row)
    scores = {
        name: evaluation.role_scores(dev, [[*map(predict, row)] for row in dev])
        for name, predict in (
            ("spans given", roles.labelled),
            ("spans found", roles.found),
        )
    }
    names = ("precision", "recall", "f1", "perfect")
    rows = [
        [name, *(f"{100 * found[x]:.1f}" for x in names)]
        for name, found in scores.items()
    ]
    number = sum(map(len, dev))
    page = "\n".join(table(["", *names], rows)) + (
        f"\n\nPercent, of {number:,} propositions; counted in "
        f"{sum(map(len, train)):,}.\n"
    )
    write_text(config.output / "table.md", page)
    print(page)
    return scores


if __name__ == "__main__":
    main(tyro.cli(Config))
