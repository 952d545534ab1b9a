"""`ElmoInputs(distinct=True)`: each word of a batch once, with indices."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.text import ElmoInputs, load_inputs, save_inputs

NONE = [0, 0, 0, 0, 0]
BEGIN = [259, 257, 260, 261, 261]
END = [259, 258, 260, 261, 261]
A, B, CD = (
    [259, 98, 260, 261, 261],
    [259, 99, 260, 261, 261],
    [259, 100, 101, 260, 261],
)


def lists(features: dict[str, tf.Tensor]) -> tuple[list, list]:
    assert sorted(features) == ["distinct_char_ids", "word_ids"]
    table, ids = features["distinct_char_ids"], features["word_ids"]
    assert table.dtype == ids.dtype == tf.int32
    return table.numpy().tolist(), ids.numpy().tolist()


def test_markers_then_words_as_they_first_come() -> None:
    inputs = ElmoInputs(5, distinct=True)
    table, ids = lists(inputs(["b a b", "cd a"]))
    assert table == [NONE, BEGIN, END, B, A, CD]
    assert ids == [[3, 4, 3], [5, 4, 0]]
    table, ids = lists(inputs([["cd", "cd"], [], ["b"]]))
    assert table == [NONE, BEGIN, END, CD, B]
    assert ids == [[3, 3], [0, 0], [4, 0]]


def test_literal_markers_are_words_with_the_markers_characters() -> None:
    table, ids = lists(ElmoInputs(5, distinct=True)(["a <S> </S> <S>"]))
    assert table == [NONE, BEGIN, END, A, BEGIN, END]
    assert ids == [[3, 4, 5, 4]]


def test_empty_word_is_a_word() -> None:
    table, ids = lists(ElmoInputs(5, distinct=True)([["", "a"], [""]]))
    assert table == [NONE, BEGIN, END, [259, 260, 261, 261, 261], A]
    assert ids == [[3, 4], [3, 0]]


def test_words_that_are_cut_off_are_not_in_the_table() -> None:
    inputs = ElmoInputs(5, max_length=2, distinct=True)
    table, ids = lists(inputs(["a b cd", "b"]))
    assert table == [NONE, BEGIN, END, A, B]
    assert ids == [[3, 4], [4, 0]]


@pytest.mark.parametrize("text", [["", " "], [], [[], []]])
@pytest.mark.parametrize("split", ["whitespace", "character"])
def test_without_words(text: Any, split: str) -> None:
    table, ids = lists(ElmoInputs(5, split, distinct=True)(text))
    assert table == [NONE, BEGIN, END]
    assert ids == [[0]] * len(text)


@pytest.mark.parametrize("split", ["whitespace", "character"])
@pytest.mark.parametrize("max_length", [None, 4])
def test_gathered_rows_are_the_dense_ids(
    split: str, max_length: int | None
) -> None:
    generator = random.Random(3)
    words = ["a", "书", "<S>", "</S>", "<UNK>", "x" * 9, "é́", "\U0001f600"]
    texts = [
        " ".join(generator.choices(words, k=generator.randrange(9)))
        for _ in range(30)
    ]
    dense = ElmoInputs(7, split, max_length)(texts)["char_ids"]
    features = ElmoInputs(7, split, max_length, distinct=True)(texts)
    table = features["distinct_char_ids"].numpy()
    np.testing.assert_array_equal(table[features["word_ids"]], dense)
    # All rows after the markers are distinct, except literal markers.
    rows = {tuple(row) for row in table[3:].tolist()}
    assert len(rows) == len(table) - 3
    assert set(range(3, len(table))) <= set(np.ravel(features["word_ids"]))


def test_graph_and_dataset_are_as_eager(tmp_path: Path) -> None:
    inputs = ElmoInputs(5, max_length=3, distinct=True)
    path = tmp_path / "inputs.json"
    save_inputs(inputs, path)
    loaded = load_inputs(path)
    assert isinstance(loaded, ElmoInputs) and loaded.distinct
    text = tf.constant(["a b a cd", "", "b"])
    expected = lists(inputs(text))
    dataset = tf.data.Dataset.from_tensors(text)
    for found in (
        tf.function(inputs)(text),
        next(iter(dataset.map(inputs))),
        loaded(text),
    ):
        assert lists(found) == expected
