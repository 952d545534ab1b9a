"""The word of each position, and the number of positions of each word."""

import random
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.text import (
    SPECIAL_TOKENS,
    WORD_SPECIAL_TOKENS,
    BertInputs,
    ElmoInputs,
    WordInputs,
)

TOKENS = [*SPECIAL_TOKENS, "good", "book", "##s", "好", "书", "a", "b"]
# Each word with its number of pieces of `TOKENS`, counted by hand.
PIECES = {"good": 1, "books": 2, "好书": 2, "zz": 1, "a-b": 3, "": 1, "\x07": 1}
CHARACTERS = {**{w: len(w) for w in PIECES}, "": 1}


def make(name: str, max_length: int) -> Any:
    if name == "elmo":
        return ElmoInputs(9, max_length=max_length)
    if name == "words":
        return WordInputs(WORD_SPECIAL_TOKENS, max_length=max_length)
    return BertInputs(TOKENS, max_length, split=name)


def sizes_of(name: str) -> dict[str, int]:
    counts = {"wordpiece": PIECES, "character": CHARACTERS}
    return counts.get(name, dict.fromkeys(PIECES, 1))


def cut(first: int, second: int, budget: int) -> tuple[int, int]:
    """Truncates a pair like _truncate_seq_pair of google-research/bert."""
    while first + second > budget:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


def plain_index(
    name: str, max_length: int, row: list[str], second: list[str] | None
) -> list[int]:
    """Returns word indices of one row, from the words and their sizes."""
    sizes = sizes_of(name)
    bert = name in ("wordpiece", "character")
    index = [n for n, word in enumerate(row) for _ in range(sizes[word])]
    if second is None:
        if bert:
            return [-1, *index[: max_length - 2], -1]
        return index[:max_length]
    other = [n for n, word in enumerate(second) for _ in range(sizes[word])]
    markers = 3 if bert else 2
    i, j = cut(len(index), len(other), max_length - markers)
    counted = [*[-1] * i, *[-1] * (1 if bert else 2), *other[:j]]
    return [-1, *counted, -1] if bert else counted


NAMES = ["wordpiece", "character", "elmo", "words"]


@pytest.mark.quick("True-3-*", "True-60-*")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("max_length", [3, 4, 9, 60])
@pytest.mark.parametrize("pairs", [False, True])
def test_index_against_a_plain_reading(
    name: str, max_length: int, pairs: bool
) -> None:
    generator = random.Random(max_length)
    rows, others = (
        [
            generator.choices(list(PIECES), k=generator.randrange(9))
            for _ in range(40)
        ]
        for _ in range(2)
    )
    inputs = make(name, max_length)
    second = others if pairs else None
    index = inputs.word_index(rows, second)
    assert index.dtype == tf.int32
    features = inputs(rows, second)
    longest = next(iter(features.values())).shape[:2]
    assert index.shape == longest
    for b, found in enumerate(index.numpy().tolist()):
        expected = plain_index(
            name, max_length, rows[b], others[b] if pairs else None
        )
        filler = [-1] * (len(found) - len(expected))
        assert found == [*expected, *filler]


@pytest.mark.parametrize("name", NAMES)
def test_lengths(name: str) -> None:
    words = [[*PIECES], [], ["a-b"] * 9]
    lengths = make(name, 3).word_lengths(words)
    assert lengths.dtype == tf.int32
    sizes = sizes_of(name)
    assert lengths.to_list() == [[sizes[word] for word in r] for r in words]


@pytest.mark.quick("*-character")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "splits_dtype", [tf.int32, pytest.param(tf.int64, marks=pytest.mark.slow)]
)
def test_the_first_text_may_be_strings_and_graphs_equal_eager(
    name: str, splits_dtype: tf.DType
) -> None:
    inputs = make(name, 9)
    first = tf.constant(["good zz", "", "a"])
    second = tf.ragged.constant(
        [["books", "", "a-b"], [], ["好书"]], row_splits_dtype=splits_dtype
    )
    words = [["good", "zz"], [], ["a"]]
    expected = inputs.word_index(words, second).numpy()
    for function in (inputs.word_index, tf.function(inputs.word_index)):
        np.testing.assert_array_equal(function(first, second), expected)
    dataset = tf.data.Dataset.from_tensors((first, second))
    found = next(iter(dataset.map(inputs.word_index)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", NAMES)
def test_batches_without_words(name: str) -> None:
    inputs = make(name, 9)
    assert inputs.word_index([[], []]).numpy().max() == -1
    assert inputs.word_index([[]], [[]]).numpy().max() == -1
    assert inputs.word_lengths([[], []]).to_list() == [[], []]


def test_padding_to_max_length() -> None:
    inputs = BertInputs(TOKENS, 8, padding="max_length")
    index = inputs.word_index([["books", "a"]])
    assert index.numpy().tolist() == [[-1, 0, 0, 1, -1, -1, -1, -1]]


@pytest.mark.parametrize("name", NAMES)
def test_strings_have_no_words_to_count(name: str) -> None:
    inputs = make(name, 9)
    with pytest.raises(ValueError, match="`words` must be a ragged.*per word"):
        inputs.word_index(["a b"])
    with pytest.raises(ValueError, match="`second_words` must be a ragged"):
        inputs.word_index([["a"]], ["b"])
    with pytest.raises(ValueError, match="`words` must be a ragged.*per word"):
        inputs.word_lengths(["a b"])


@pytest.mark.quick("character", "words")
@pytest.mark.parametrize("name", NAMES)
def test_one_row_does_not_serve_for_many(name: str) -> None:
    inputs = make(name, 9)
    for first, second in ((3, 1), (1, 3), (2, 3)):
        given = [["a"]] * first, [["b"]] * second
        for function in (inputs, inputs.word_index, tf.function(inputs)):
            with pytest.raises(
                tf.errors.InvalidArgumentError, match="same number of rows"
            ):
                function(*map(tf.ragged.constant, given))
