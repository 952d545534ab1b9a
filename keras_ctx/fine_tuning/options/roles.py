"""The options of a recipe of semantic roles."""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from keras_ctx import data, evaluation
from keras_ctx.fine_tuning.options.rates import RateOptions
from keras_ctx.fine_tuning.options.recurrent import StoredContextOptions
from keras_ctx.fine_tuning.options.shared import LabelledDataOptions

# What AdamW reads and Adadelta does not.
_OF_ADAMW = (
    *(x.name for x in fields(RateOptions) if x.name != "clip_norm"),
    *("layer_decay", "gradient_accumulation_steps"),
)

RoleSentences = list[tuple[tuple[str, ...], list[evaluation.Proposition]]]
"""The words of each sentence, and its propositions."""


@dataclass(frozen=True, kw_only=True)
class RoleOptions(StoredContextOptions, LabelledDataOptions):
    """Options of a labeller of semantic roles: its files, and its head.

    Raises:
        ValueError: See `LabelledDataOptions`; or there is no `train`, or
            options of the head contradict each other.

    Example:
        >>> RoleOptions(output=Path("runs/one"))
        Traceback (most recent call last):
        ValueError: `train` and `test` must be given: ...
    """

    predicates: Path | None = None
    """The sentences of `test` with predicted predicates, to score these, too;
    their arguments are not read."""
    predicate: data.PredicatePlace = "flag"
    """How a row marks its predicate: an embedded flag at its word; or also, for
    a BERT, its word as the second text of a pair."""
    predicate_dim: int = 100
    """Features of the embedded flag."""
    body: Literal["none", "bilstm", "highway_lstm"] = "none"
    """What reads the encoder and the flag: only a dense layer; bidirectional
    LSTMs; or LSTMs with highways in alternating directions (He et al. 2017)."""
    body_layers: int = 1
    """Number of layers of `body`."""
    body_dim: int = 300
    """Features of a layer of `body`, in each direction."""
    body_dropout: float = 0.1
    """Dropout rate in `body`, one mask a sentence in LSTMs with highways."""
    optimizer: Literal["adamw", "adadelta"] = "adamw"
    """BERT's optimizer; or that of He et al., without a schedule and with
    `--learning-rate 1`."""

    def __post_init__(self):
        super().__post_init__()
        if self.train is None:
            raise ValueError(
                "`train` and `test` must be given: there is no sample data "
                "with semantic roles."
            )
        if self.body == "none":
            names = ("body_layers", "body_dim", "body_dropout")
            self._check_unused("body", *names)
        if self.optimizer == "adadelta":
            self._check_unused('optimizer="adamw"', *_OF_ADAMW)
            if self.learning_rate == RoleOptions.learning_rate:
                raise ValueError(
                    '`optimizer="adadelta"` needs a `learning_rate` of its '
                    "own: 1 in He et al. 2017. Received: learning_rate="
                    f"{self.learning_rate}, the default for AdamW"
                )
        self.check_stored(self)

    def _check_unused(self, needed: str, *names: str) -> None:
        """Refuses options without effect, as another one has its default."""
        for name in names:
            value = getattr(self, name)
            if value != getattr(RoleOptions, name):
                raise ValueError(
                    f"`{name}` needs `{needed}`. Received: {name}={value!r}"
                )

    def read(self) -> tuple[dict[str, RoleSentences], list[str]]:
        """Reads the files by name, and returns notes for the user.

        Raises:
            ValueError: A file cannot be read or has no predicates, `train` has
                no arguments or too few predicates for an update, or
                `predicates` has other sentences.
        """
        files = {**self.files, "predicates": self.predicates}
        found = {
            name: data.read_propositions(path)
            for name, path in files.items()
            if path is not None
        }
        found["train"] = _sample(found["train"], self.num_train)
        num = {name: _count(rows) for name, rows in found.items()}
        notes = [
            f"{name}: {num[name]:,} predicates in {len(rows):,} sentences, "
            f"{sum(not x for _, x in rows):,} of them without one"
            for name, rows in found.items()
        ]
        for name in self.files:
            if name in found and not num[name]:
                raise ValueError(f"{files[name]}: no sentence has a predicate.")
        if not any(one.arguments for _, x in found["train"] for one in x):
            raise ValueError(
                f"{self.train}: no predicate has an argument: there is nothing "
                "to learn."
            )
        update = self.batch_size * self.gradient_accumulation_steps
        if num["train"] < update:
            raise ValueError(
                f"{self.train}: {num['train']} predicates are fewer than the "
                f"{update} of one update. Lower `batch_size` or "
                "`gradient_accumulation_steps`."
            )
        if "predicates" in found:
            _check_same(self.predicates, found["predicates"], found["test"])
        return found, notes + _unseen(found)


def _sample(rows: RoleSentences, number: int | None) -> RoleSentences:
    """Returns the sentences with a random choice of their predicates."""
    total = _count(rows)
    if number is None or number >= total:
        return rows
    chosen = set(random.Random(0).sample(range(total), number))
    places = itertools.count()
    return [
        (words, [one for one in found if next(places) in chosen])
        for words, found in rows
    ]


def _count(rows: RoleSentences) -> int:
    return sum(len(x) for _, x in rows)


def _check_same(
    path: Path | None, rows: RoleSentences, test: RoleSentences
) -> None:
    """Refuses predicates of other sentences than those of the test."""
    pairs = zip(rows, test, strict=False)
    for number, ((words, _), (right, _)) in enumerate(pairs, 1):
        if words != right:
            raise ValueError(
                f"{path}: `predicates` must have the sentences of `test`, in "
                f"their order. Received: sentence {number} is "
                f"{' '.join(words)[:60]!r} instead of {' '.join(right)[:60]!r}"
            )
    if len(rows) != len(test):
        raise ValueError(
            f"{path}: `predicates` must have the sentences of `test`. "
            f"Received: {len(rows)} and {len(test)} sentences"
        )


def _unseen(found: Mapping[str, RoleSentences]) -> list[str]:
    """Returns notes on labels that training does not have."""
    labels = {
        name: [
            label for _, x in rows for one in x for *_, label in one.arguments
        ]
        for name, rows in found.items()
        if name != "predicates"
    }
    known, notes = set(labels["train"]), []
    for name, each in labels.items():
        new = [label for label in each if label not in known]
        if new:
            notes.append(
                f"{name}: {len(new)} of {len(each)} arguments have labels that "
                f"the training file does not have, and count as missed: "
                f"{', '.join(sorted(set(new)))}"
            )
    return notes
