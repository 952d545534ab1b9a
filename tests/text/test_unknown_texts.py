"""Mostly unknown texts: their number, and an example."""

import warnings

import pytest

from keras_ctx import text

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT = text.BertInputs([*SPECIAL, "good", "##s", "bank"], 6)


def counts(inputs, *batches) -> tuple[int, int, str]:
    found = text.UnknownTexts(inputs)
    for batch in batches:
        found.add(batch)
    return found.num_texts, found.num_unknown, found.example


def test_more_than_half() -> None:
    # Half is not more than half; an empty text has nothing unknown.
    texts = ["good bank", "gut good", "", "gut gut good", "гут"]
    assert counts(BERT, texts) == (5, 2, "gut gut good")
    assert counts(BERT, ["good"], ["gut"], []) == (2, 1, "gut")


def test_more_than_a_batch() -> None:
    texts = ["good"] * 1500 + ["gut", "schlecht"] * 600
    assert counts(BERT, texts) == (2700, 1200, "gut")


def test_rows_of_words() -> None:
    rows = [["good", "bank"], ["gut", "gut", "bank"], ["bank"]]
    assert counts(BERT, rows) == (3, 1, "gut gut bank")


def test_other_inputs() -> None:
    words = text.WordInputs(["<S>", "</S>", "good", "<UNK>"])
    assert counts(words, ["good day", "day day good"]) == (2, 1, "day day good")
    assert counts(text.ElmoInputs(), ["гут"]) == (0, 0, "")


def test_the_warning() -> None:
    with pytest.warns(UserWarning, match=r"dev.tsv: 1 of 2 texts .*'Gut'"):
        text.warn_unknown(BERT, ["good", "Gut"], "dev.tsv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text.warn_unknown(BERT, ["good"], "dev.tsv")
