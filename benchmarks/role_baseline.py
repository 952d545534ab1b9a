"""Semantic roles by the most frequent label, the score that a model must beat.

Command   python benchmarks/role_baseline.py --train train.jsonl.gz \
              --dev dev.jsonl.gz
Data      Files of `data.read_propositions`.
Output    OUTPUT/table.md. It takes less than a minute; `--toy` reads 100
          sentences.

The predicate is given: its word and its lemma. The first row is given the
spans of the arguments as well, and only labels them: with the most frequent
label in training of an argument that begins with the same word, on the same
side of the same lemma. If there was none, the lemma is left out, then the word.
The second row has to find the spans. A word begins an argument if in training
it did so more often, with one label, than it began none; the length is the most
frequent one with that label. Arguments are chosen from the left, and end before
the predicate, or where the sentence does.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from harness.page import table
from keras_ctx import data, evaluation
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


class FrequentRoles:
    """Counts labels by lemma, side and first word.

    Args:
        propositions: Those to learn from.

    Example:
        >>> fell = Proposition(["It", "fell"], 1, [(0, 1, "ARG1")], "fall.01")
        >>> roles = FrequentRoles([fell])
        >>> roles.found(replace(fell, words=["it", "falls"])).arguments
        ((0, 1, 'ARG1'),)
    """

    def __init__(self, propositions: Iterable[Proposition]):
        self.labels = defaultdict(Counter)  # of arguments
        self.words = defaultdict(Counter)  # of all words; "" begins none
        self.lengths = defaultdict(Counter)
        for one in propositions:
            verb = {x for start, end in one.verb for x in range(start, end)}
            begun = {span[0]: span for span in one.arguments}
            for place in range(len(one.words)):
                if place in {one.predicate, *verb}:
                    continue
                start, end, label = begun.get(place, (place, place, ""))
                for key in self._keys(one, place):
                    self.words[key][label] += 1
                    if label:
                        self.labels[key][label] += 1
                        self.lengths[key, label][end - start] += 1

    def labelled(self, one: Proposition) -> Proposition:
        """Returns a proposition with other labels of the same spans."""
        arguments = [
            (start, end, self._most(self.labels, one, start, "ARG1")[1])
            for start, end, _ in one.arguments
        ]
        return replace(one, arguments=tuple(arguments))

    def found(self, one: Proposition) -> Proposition:
        """Returns the arguments of the predicate of a proposition."""
        arguments, place = [], 0
        while place < len(one.words):
            end = place + 1
            if place != one.predicate:
                key, label = self._most(self.words, one, place, "")
                if label:
                    left = place < one.predicate
                    limit = one.predicate if left else len(one.words)
                    length = self.lengths[key, label].most_common(1)[0][0]
                    end = min(place + length, limit)
                    arguments.append((place, end, label))
            place = end
        return replace(one, arguments=tuple(arguments), verb=())

    def _most(self, counts, one: Proposition, place: int, default: str):
        """Returns the first key with counts, and its most frequent label."""
        for key in self._keys(one, place):
            if key in counts:
                return key, counts[key].most_common(1)[0][0]
        return (), default

    def _keys(self, one: Proposition, place: int):
        side, word = place > one.predicate, one.words[place].lower()
        return (one.lemma, side, word), (side, word), (side,)


def read(path: Path, toy: bool) -> list[list[Proposition]]:
    sentences = data.read_propositions(path)
    return [row for _, row in (sentences[:TOY] if toy else sentences)]


def main(config: Config) -> dict[str, dict[str, float]]:
    config.output.mkdir(parents=True, exist_ok=True)
    train, dev = (read(x, config.toy) for x in (config.train, config.dev))
    roles = FrequentRoles(one for row in train for one in row)
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
