"""Texts of every form are read; others are refused with their row."""

import re
from collections import UserDict
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.text_model.texts.rows import num_texts, rows_of

TEXTS = ["a b", "", "读书 🙂"]
PAIRS = [("a", "b"), ("c", "")]


def dataset(*columns: list[str]) -> Any:
    parts: Any = columns if len(columns) > 1 else [*columns][0]
    return tf.data.Dataset.from_tensor_slices(parts)


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        tf.constant(TEXTS),
        dataset(TEXTS),
        dataset(TEXTS).batch(2),
        (text for text in TEXTS),
        dict.fromkeys(TEXTS).keys(),
        [{"text": text} for text in TEXTS],
    ],
)
def test_texts_of_every_form(texts: Any) -> None:
    assert list(rows_of(texts, "text")) == [(text,) for text in TEXTS]


@pytest.mark.parametrize(
    "pairs",
    [
        PAIRS,
        [list(pair) for pair in PAIRS],
        np.array(PAIRS),
        tf.constant(PAIRS),
        dataset(["a", "c"], ["b", ""]),
        dataset(["a", "c"], ["b", ""]).batch(5),
        zip(["a", "c"], ["b", ""], strict=True),
        [{"text_pair": b, "text": a} for a, b in PAIRS],
        dataset(["a", "c"], ["b", ""])
        .map(lambda a, b: {"text": a, "text_pair": b})
        .batch(1),
    ],
)
def test_pairs_of_every_form(pairs: Any) -> None:
    assert list(rows_of(pairs, "pair")) == PAIRS


def test_questions_by_name() -> None:
    rows = [{"question": "How?", "context": "So."}]
    assert list(rows_of(rows, "question")) == [("How?", "So.")]


def test_words() -> None:
    ragged = tf.ragged.constant([["a", "b"], [], ["c"]])
    for rows in ([["a", "b"], [], ("c",)], ragged):
        found = list(rows_of(rows, "words"))
        assert found == [(["a", "b"],), ([],), (["c"],)]
    assert list(rows_of(["a b"], "words")) == [("a b",)]


@pytest.mark.parametrize(
    "texts", ["a text", b"a text", None, 3, float("nan"), np.array("a text")]
)
def test_what_is_no_list_is_refused_at_once(texts: Any) -> None:
    with pytest.raises(ValueError, match="`texts` must be a list of texts"):
        rows_of(texts, "text")


class Table:
    """A class that iterates like a table of pandas or polars."""

    columns = ("text", "stars")

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


@pytest.mark.parametrize(
    "table",
    [
        Table(),
        {"text": ["a"], "stars": [5]},
        UserDict(text=["a"], stars=[5]),
        MappingProxyType({"text": ["a"], "stars": [5]}),
    ],
)
def test_names_of_columns_are_no_texts(table: Any) -> None:
    said = r"no table: give one column of it.*\bstars\b"
    with pytest.raises(ValueError, match=said):
        rows_of(table, "text")


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        ("text", None, "empty cell"),
        ("text", float("nan"), "empty cell"),
        ("text", 3, "must hold a text in each row"),
        ("text", b"a", "Bytes are no text"),
        ("text", ("a", "b"), "no pairs and no words"),
        ("text", ["a"], "no pairs and no words"),
        ("text", {"question": "a"}, "must have the keys 'text' and no others"),
        ("question", {"id": "1", "question": "a", "context": "b"}, "'context'"),
        ("pair", "a", "reads 2 texts a row"),
        ("pair", ("a",), "must hold a pair of texts"),
        ("pair", ("a", "b", "c"), "must hold a pair of texts"),
        ("pair", ("a", None), "empty cell"),
        ("pair", ("a", b"b"), "Bytes are no text"),
        ("question", "a", "must hold a question and its context"),
        ("words", ["a", ""], "or the list of its words"),
        ("words", ["a", 3], "or the list of its words"),
        ("words", [["a"]], "or the list of its words"),
        ("text", "a\udc80", "surrogate"),
        ("words", ["a\udc80"], "surrogate"),
    ],
)
def test_row_that_is_none_is_named(kind: str, row: Any, said: str) -> None:
    good = {"pair": ("x", "y"), "question": ("x", "y")}.get(kind, "x")
    rows = rows_of([good, row], kind)
    assert next(rows)
    with pytest.raises(
        ValueError,
        match=f"(?s){re.escape(said)}.*[Rr]ow? ?1|row 1.*{re.escape(said)}",
    ):
        next(rows)


def test_dataset_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a dataset of strings"):
        rows_of(tf.data.Dataset.range(3), "text")
    with pytest.raises(ValueError, match="Leave labels out"):
        texts = tf.data.Dataset.from_tensor_slices((["a"], [1]))
        rows_of(texts, "text")


def test_number_is_that_of_what_has_one() -> None:
    assert num_texts(["a"]) == num_texts(np.array(["a"])) == 1
    assert num_texts(x for x in "ab") is None
    assert num_texts(dataset(TEXTS).batch(2)) is None


def test_nothing_is_read_ahead() -> None:
    read = []

    def texts():
        for number in range(3):
            read.append(number)
            yield str(number)

    rows = rows_of(texts(), "text")
    assert read == []
    assert next(rows) == ("0",) and read == [0]
