"""The most frequent roles, beside counts by hand."""

import json
from pathlib import Path

from benchmark_modules import module

from keras_ctx import fine_tuning
from keras_ctx.evaluation import Proposition

role_baseline = module("role_baseline")

SAW = Proposition(
    ("He", "saw", "the", "old", "man", "here"),
    1,
    ((0, 1, "ARG0"), (2, 5, "ARG1"), (5, 6, "ARGM-LOC")),
    "see.01",
)
FELL = Proposition(("He", "fell", "here"), 1, ((0, 1, "ARG1"),), "fall.01")


def test_labels_by_hand() -> None:
    roles = fine_tuning.FrequentRoles([SAW, FELL, FELL])
    words = ("he", "saw", "The", "cat")
    # "the" begins three words in training; the sentence ends after two.
    seen = Proposition(words, 1, ((2, 4, "X"),), "see.03")
    assert roles.found(seen).arguments == ((0, 1, "ARG0"), (2, 4, "ARG1"))
    assert roles.labelled(seen).arguments == ((2, 4, "ARG1"),)
    # Another lemma: "he" is ARG1 twice of three times; "here" begins nothing
    # twice, and its one label is ARGM-LOC.
    went = Proposition(("he", "went", "here"), 1, ((2, 3, "X"),), "go.01")
    assert roles.found(went).arguments == ((0, 1, "ARG1"),)
    assert roles.labelled(went).arguments == ((2, 3, "ARGM-LOC"),)
    # A new word: the labels of its side.
    she = Proposition(("She", "went"), 1, ((0, 1, "X"),), "go.01")
    assert roles.labelled(she).arguments == ((0, 1, "ARG1"),)
    assert fine_tuning.FrequentRoles([]).found(she).arguments == ()


def test_table(tmp_path: Path) -> None:
    path = tmp_path / "roles.jsonl"
    lines = [
        {
            "sent_id": str(number),
            "words": one.words,
            "predicate": one.predicate,
            "sense": one.sense,
            "arguments": one.arguments,
        }
        for number, one in enumerate((SAW, FELL))
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    output = tmp_path / "table"
    config = role_baseline.Config(path, path, output)
    scores = role_baseline.main(config)
    assert scores["spans given"]["f1"] == 1
    page = (output / "table.md").read_text()
    assert "| spans given | 100.0 | 100.0 | 100.0 | 100.0 |" in page
